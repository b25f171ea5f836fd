import { measureLives } from '../against/lives.ts';
import type { Side } from '../against/sides.ts';
import { compare, type Comparison } from '../against/verdict.ts';
import { figureOf, none } from '../figure.ts';
import { startGenerator } from '../load/closed-load.ts';
import { minimal } from '../load/requests.ts';
import { disturbanceFigures, numbers, type Round, runRounds } from '../pairs.ts';
import type { Worker } from '../processes/child.ts';
import type { GeneratorCalls } from '../load/generator.ts';
import { type Load, loadOf } from '../load/load.ts';
import { startApp } from '../proxies/app.ts';
import type { Proxy } from '../proxies/proxy.ts';
import type { Figure, Scenario } from '../scenario.ts';
import { outcomesMissing } from '../hold/stage.ts';
import { startLineUp } from './line-up.ts';
import { measureWindow, type Window } from './window.ts';

const perSecond = 2000;
/** A proxy adds something: less than this is noise, of which no ratio can be taken. */
const leastAddedMs = 0.01;

type Latency = Pick<Window, 'p50Ms' | 'p99Ms'>;
type NumberOf = (measured: Latency) => number;

export const latency: Scenario = {
  name: 'latency',
  doc: 'What a proxy adds to the latency at 2,000 requests per second, counted from when each was due.',
  needs: ['nginx'],
  async run(context) {
    const { quick, rounds } = context;
    await using app = await startApp();
    await using generator = await startGenerator();
    await using lineUp = await startLineUp(app, context);
    const sides = new Map([['direct', app], ...lineUp.sides]);
    const loadOf = loader(generator);
    for (const side of sides.values()) await measureWindow(side, loadOf(quick ? 1 : 4));
    const measured = await runRounds<Window>(context, {
      sides: [...sides.keys()],
      ...{ rounds, spare: quick ? 1 : rounds, text: textOf },
      measure: (name) => measureWindow(sides.get(name) as Proxy, loadOf(quick ? 1 : 5)),
    });
    const { kept } = measured;
    return [
      ...[...lineUp.sides.keys()].flatMap((side) => addedBy(kept, side)),
      none('requests failed', Math.max(...numbers(kept, 'DLX', ({ failed }) => failed))),
      await outcomesMissing(lineUp.dlx),
      ...disturbanceFigures(measured),
    ];
  },
  async against(run) {
    await using app = await startApp();
    await using generator = await startGenerator();
    const load = loader(generator)(run.quick ? 1 : 5);
    const rounds = await measureLives(run, { app, direct: true, load, text: textOf });
    return [
      compareAdded('added to p50', rounds, ({ p50Ms }) => p50Ms),
      compareAdded('added to p99', rounds, ({ p99Ms }) => p99Ms),
    ];
  },
};

function textOf({ p50Ms, p99Ms }: Window): string {
  return `${p50Ms.toFixed(2)}/${p99Ms.toFixed(2)} ms`;
}

/** The load of a window of so many seconds. */
function loader({ calls }: Worker<GeneratorCalls>) {
  return (seconds: number) =>
    async ({ port }: Proxy): Promise<Load> => {
      const { tookMs, status } = await calls.paced({ port, request: minimal, steps: [{ perSecond, seconds }] });
      return loadOf(tookMs, seconds, status.filter((got) => got !== 200).length);
    };
}

export function compareAdded(figure: string, rounds: readonly Round<Latency>[], number: NumberOf): Comparison {
  const of = (side: Side): number[] => addedTo(rounds, side, number).map((ms) => Math.max(ms, leastAddedMs));
  return compare({ figure, unit: 'ms', lessIsBetter: true, now: of('now'), before: of('before') });
}

function addedTo(rounds: readonly Round<Latency>[], side: string, number: NumberOf): number[] {
  const direct = numbers(rounds, 'direct', number);
  return numbers(rounds, side, number).map((ms, i) => ms - (direct[i] ?? Number.NaN));
}

function addedBy(rounds: readonly Round<Latency>[], side: string): Figure[] {
  const isDlx = side === 'DLX';
  const of = (name: string, number: NumberOf, atMost: number): Figure =>
    figureOf(`${side}: ${name}`, 'ms', addedTo(rounds, side, number), isDlx ? { atMost } : {});
  return [of('added to p50', ({ p50Ms }) => p50Ms, 0.3), of('added to p99', ({ p99Ms }) => p99Ms, 3)];
}
