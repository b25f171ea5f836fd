import type { Load } from '../load/load.ts';
import { type Round, runRounds, type RunOptions } from '../pairs.ts';
import { startDlxProxy } from '../proxies/dlx-proxy.ts';
import type { Proxy } from '../proxies/proxy.ts';
import type { AgainstRun } from '../scenario.ts';
import { measureWindow, warmUp, type Window } from '../throughput/window.ts';
import { failOn, sides } from './sides.ts';

/** One start may be compiled more luckily than another: both programs are started anew so often. */
const lives = 4;

export interface LivesOptions extends Pick<RunOptions<Window>, 'text'> {
  readonly app: Proxy;
  /** Whether each round measures the app too, as the side `direct`. */
  readonly direct?: boolean;
  /** Loads a proxy, or the app, for one window. */
  load(proxy: Proxy): Promise<Load>;
}

/** Windows of load on the DLX of both trees, in front of one app. @throws when a request fails. */
export async function measureLives(run: AgainstRun, options: LivesOptions): Promise<readonly Round<Window>[]> {
  const { app, direct = false, load, text } = options;
  const pairs = Math.ceil(run.pairs / lives);
  const rounds: Round<Window>[] = [];
  for (let life = 0; life < lives; life++) {
    await using both = new AsyncDisposableStack();
    const proxies = new Map<string, Proxy>(direct ? [['direct', app]] : []);
    for (const side of sides) {
      const proxy = both.use(await startDlxProxy(app.port, run.trees[side]));
      proxies.set(side, proxy);
      await warmUp(proxy, run.quick, () => load(proxy));
    }
    const { kept } = await runRounds<Window>(run, {
      sides: [...proxies.keys()],
      ...{ rounds: pairs, spare: pairs, text },
      measure: (side) => measureWindow(proxies.get(side) as Proxy, load),
    });
    rounds.push(...kept);
  }
  failOn(rounds, ({ failed }) => failed, 'requests failed');
  return rounds;
}
