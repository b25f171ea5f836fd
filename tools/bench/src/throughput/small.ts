import { measureLives } from '../against/lives.ts';
import { comparisonOf } from '../against/sides.ts';
import type { Comparison } from '../against/verdict.ts';
import { type Bounds, figureOf, none } from '../figure.ts';
import { startClosedLoad } from '../load/closed-load.ts';
import type { Load, RequestHead } from '../load/load.ts';
import { browser, minimal } from '../load/requests.ts';
import { disturbanceFigures, numbers, ratios, type Rounds, runRounds } from '../pairs.ts';
import { startApp } from '../proxies/app.ts';
import type { Proxy } from '../proxies/proxy.ts';
import type { AgainstRun, Context, Figure, Scenario } from '../scenario.ts';
import { outcomesMissing } from '../hold/stage.ts';
import { startLineUp } from './line-up.ts';
import { measureWindow, warmUp, type Window } from './window.ts';

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

type NumberOf = (window: Window) => number;

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
  await using app = await startApp();
  await using load = await startClosedLoad();
  const rounds = await measureLives(run, {
    app,
    load: ({ port }) => load.run({ port, connections, seconds, request }),
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
  await using app = await startApp();
  await using load = await startClosedLoad();
  await using lineUp = await startLineUp(app, context);
  const { dlx, sides } = lineUp;
  log(`load by ${load.by}`);
  const loadWindow = ({ port }: Proxy): Promise<Load> => load.run({ port, connections, seconds, request });
  for (const side of sides.values()) await warmUp(side, quick, () => loadWindow(side));
  const measured = await runRounds<Window>(context, {
    sides: [...sides.keys()],
    // Many short rounds: a disturbance spoils few of them, also one by another machine of the same host, which the
    // bench cannot see.
    rounds: quick ? rounds + 2 : rounds * 4,
    spare: quick ? 1 : rounds * 2,
    measure: (name) => measureWindow(sides.get(name) as Proxy, loadWindow),
    text: ({ perSecond }) => `${perSecond.toFixed(0)} rps`,
  });
  return [...figuresOf(measured, [...sides.keys()], options), await outcomesMissing(dlx)];
}

function figuresOf(measured: Rounds<Window>, sides: readonly string[], { rates, efficiency }: Options): Figure[] {
  const { kept } = measured;
  const peers = sides.filter((name) => name !== 'DLX');
  const toPeers = (name: string, number: NumberOf, bounds: Options['rates']): Figure[] =>
    peers.map((peer) => figureOf(`${name}, to ${peer}`, '×', ratios(kept, 'DLX', peer, number), bounds[peer]));
  const ofAll = (name: string, unit: string, number: NumberOf): Figure[] =>
    sides.map((side) => figureOf(`${side}: ${name}`, unit, numbers(kept, side, number)));
  return [
    ...toPeers('rate', ({ perSecond }) => perSecond, rates),
    ...toPeers('requests per CPU second', ({ cpuUs }) => 1 / cpuUs, efficiency),
    ...ofAll('requests per second', '', ({ perSecond }) => Math.round(perSecond)),
    ...ofAll('p50', 'ms', ({ p50Ms }) => p50Ms),
    ...ofAll('p99', 'ms', ({ p99Ms }) => p99Ms),
    ...ofAll('CPU per request', 'µs', ({ cpuUs }) => cpuUs),
    ...ofAll('processor used', '%', ({ busy }) => busy * 100),
    ...ofAll('memory', 'MB', ({ rssMb }) => rssMb),
    none('requests failed', Math.max(...numbers(kept, 'DLX', ({ failed }) => failed))),
    ...disturbanceFigures(measured),
  ];
}
