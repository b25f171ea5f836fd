import { measureLives } from '../against/lives.ts';
import { comparisonOf } from '../against/sides.ts';
import type { Comparison } from '../against/verdict.ts';
import { type Bounds, figureOf, none } from '../figure.ts';
import { startClosedLoad } from '../load/closed-load.ts';
import type { RequestHead } from '../load/load.ts';
import { browser, minimal } from '../load/requests.ts';
import { measureRounds, numbers, ratios, type Rounds } from '../pairs.ts';
import { startApp } from '../proxies/app.ts';
import type { AgainstRun, Context, Figure, Scenario } from '../scenario.ts';
import { startLineUp } from './line-up.ts';
import { outcomesMissing } from './outcomes.ts';
import { warmUp } from './warm-up.ts';
import { doubtIfDisturbed, measureWindow, tolerance, type Window } from './window.ts';

interface Options {
  readonly request: RequestHead;
  /** By peer: the bounds of the ratio of the DLX's rate to the peer's. */
  readonly rates: Readonly<Record<string, Bounds>>;
  /**
   * By peer: the same for each second of processor time. Where the processor is busy that is the same number, and other
   * users of the machine spoil it less: a gate can judge it.
   */
  readonly efficiency: Readonly<Record<string, Bounds>>;
}

const connections = 64;
/** The measurements of one window. */
const seconds = 1;

export const small: Scenario = {
  name: 'small',
  doc: 'Small requests with minimal headers over 64 connections, beside the peers.',
  needs: ['wrk', 'nginx'],
  isGate: true,
  run: (context) =>
    compare(context, {
      request: minimal,
      rates: { 'http-proxy': { atLeast: 2.0 }, nginx: { atLeast: 0.28 } },
      efficiency: { 'http-proxy': { quickAtLeast: 1.6 } },
    }),
  against: (run) => compareTrees(run, minimal),
};

export const headers: Scenario = {
  name: 'headers',
  doc: 'The same with the eleven headers of a real browser.',
  needs: ['wrk', 'nginx'],
  isGate: true,
  run: (context) =>
    compare(context, {
      request: browser,
      rates: { 'http-proxy': { atLeast: 1.7 }, nginx: { atLeast: 0.24 } },
      efficiency: { 'http-proxy': { quickAtLeast: 1.4 } },
    }),
  against: (run) => compareTrees(run, browser),
};

async function compareTrees(run: AgainstRun, request: RequestHead): Promise<readonly Comparison[]> {
  await using stack = new AsyncDisposableStack();
  const app = stack.adopt(await startApp(), ({ stop }) => stop());
  const load = stack.adopt(await startClosedLoad(), ({ stop }) => stop());
  const rounds = await measureLives(run, {
    app,
    load: (port) => load.run({ port, connections, seconds, request }),
    text: ({ perSecond }) => `${perSecond.toFixed(0)} rps`,
  });
  return [
    comparisonOf('requests per second', 'rps', rounds, ({ perSecond }) => perSecond),
    comparisonOf('processor time of a request', 'µs', rounds, ({ cpuUs }) => cpuUs, { lessIsBetter: true }),
  ];
}

async function compare(context: Context, options: Options): Promise<readonly Figure[]> {
  const { quick, rounds, log } = context;
  const { request } = options;
  await using stack = new AsyncDisposableStack();
  const app = stack.adopt(await startApp(), ({ stop }) => stop());
  const load = stack.adopt(await startClosedLoad(), ({ stop }) => stop());
  const { dlx, sides } = stack.use(await startLineUp(app, context));
  log(`load by ${load.by}`);
  for (const side of sides.values()) {
    const { port } = side;
    await warmUp(side, quick, () => load.run({ port, connections, seconds: 1, request }));
  }
  const measured = await measureRounds<Window>({
    sides: [...sides.keys()],
    // Many short rounds: a disturbance spoils few of them, also one by another machine of the same host, which the
    // bench cannot see.
    rounds: quick ? rounds + 2 : rounds * 4,
    spare: quick ? 1 : rounds * 2,
    tolerance,
    async measure(name) {
      const side = sides.get(name);
      if (side === undefined) throw new Error(`no side ${name}`);
      return measureWindow(side, () => load.run({ port: side.port, connections, seconds, request }));
    },
    onRound(round, isDisturbed) {
      context.keep({ ...round, isDisturbed });
      const texts = Object.entries(round.sides).map(([name, { perSecond }]) => `${name} ${perSecond.toFixed(0)}`);
      const others = `others ${(round.disturbance * 100).toFixed(1)} %`;
      log(`${texts.join(' · ')} per second · ${others}${isDisturbed ? ', disturbed' : ''}`);
    },
  });
  doubtIfDisturbed(context, measured);
  return [...figuresOf(measured, [...sides.keys()], options), await outcomesMissing(dlx.dlx)];
}

function figuresOf(
  { kept, disturbed, dropped }: Rounds<Window>,
  sides: readonly string[],
  { rates, efficiency }: Options,
): Figure[] {
  const peers = sides.filter((name) => name !== 'DLX');
  const of = (name: string, unit: string, number: (window: Window) => number): Figure[] =>
    sides.map((side) => figureOf(`${side}: ${name}`, unit, numbers(kept, side, number)));
  return [
    ...peers.map((peer) =>
      figureOf(
        `rate, to ${peer}`,
        '×',
        ratios(kept, 'DLX', peer, ({ perSecond }) => perSecond),
        rates[peer],
      ),
    ),
    ...peers.map((peer) =>
      figureOf(
        `requests per CPU second, to ${peer}`,
        '×',
        ratios(kept, 'DLX', peer, ({ cpuUs }) => 1 / cpuUs),
        efficiency[peer],
      ),
    ),
    ...of('requests per second', '', ({ perSecond }) => Math.round(perSecond)),
    ...of('p50', 'ms', ({ p50Ms }) => p50Ms),
    ...of('p99', 'ms', ({ p99Ms }) => p99Ms),
    ...of('CPU per request', 'µs', ({ cpuUs }) => cpuUs),
    ...of('processor used', '%', ({ busy }) => busy * 100),
    ...of('memory', 'MB', ({ rssMb }) => rssMb),
    none('requests failed', Math.max(...numbers(kept, 'DLX', ({ failed }) => failed))),
    { name: 'rounds dropped', value: dropped.length, unit: '' },
    { name: 'rounds kept although disturbed', value: disturbed, unit: '' },
  ];
}
