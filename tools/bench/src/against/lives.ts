import type { Load } from '../load/load.ts';
import { cores } from '../machine/cores.ts';
import type { Round } from '../pairs.ts';
import { startDlxProxy } from '../proxies/dlx-proxy.ts';
import type { Proxy } from '../proxies/proxy.ts';
import type { AgainstRun } from '../scenario.ts';
import { warmUp } from '../throughput/warm-up.ts';
import { measureWindow, type Window } from '../throughput/window.ts';
import { failOn, measurePairs, type PairsOptions, sides } from './sides.ts';

/** One start may be compiled more luckily than another: both programs are started anew so often. */
const lives = 4;

export interface LivesOptions extends Pick<PairsOptions<Window>, 'text'> {
  readonly app: Proxy;
  /** Whether each round measures the app too, as the side `direct`. */
  readonly direct?: boolean;
  /** Loads a port for one window. */
  load(port: number): Promise<Load>;
}

/** Windows of load on the DLX of both trees, in front of one app. @throws when a request fails. */
export async function measureLives(run: AgainstRun, options: LivesOptions): Promise<readonly Round<Window>[]> {
  const { app, direct = false, load, text } = options;
  const rounds: Round<Window>[] = [];
  for (let life = 0; life < lives; life++) {
    await using both = new AsyncDisposableStack();
    const proxies = new Map<string, Proxy>(direct ? [['direct', app]] : []);
    for (const side of sides) {
      const proxy = await startDlxProxy(app.port, cores.proxy, run.trees[side]);
      proxies.set(
        side,
        both.adopt(proxy, ({ stop }) => stop()),
      );
      await warmUp(proxy, run.quick, () => load(proxy.port));
    }
    const measured = await measurePairs<Window>(run, {
      sides: [...proxies.keys()],
      rounds: Math.ceil(run.pairs / lives),
      spare: Math.ceil(run.pairs / lives),
      measure(side) {
        const proxy = proxies.get(side) as Proxy;
        return measureWindow(proxy, () => load(proxy.port));
      },
      text,
    });
    rounds.push(...measured);
  }
  failOn(rounds, ({ failed }) => failed, 'requests failed');
  return rounds;
}
