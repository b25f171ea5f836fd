import { setTimeout as sleep } from 'node:timers/promises';
import { comparisonOf, failOn, type Side, sides } from '../against/sides.ts';
import type { Comparison } from '../against/verdict.ts';
import type { Remote } from '../processes/calls.ts';
import type { DlxProcess } from '../processes/dlx.ts';
import { cpuSeconds, forgetPeak, peakRssBytes, rssBytes } from '../processes/usage.ts';
import { type Bounds, exactly, figureOf, none } from '../figure.ts';
import { runRounds } from '../pairs.ts';
import type { AgainstRun, Context, Figure, Scenario } from '../scenario.ts';
import type { ClientCalls, Round } from './client.ts';
import { openStage, settled } from './stage.ts';

/** The same requests to the awake app wait so many at once: as many as the hold lets through at best. */
const window = 64;
const mostRounds = 3;
const many = { full: 10_000, quick: 2_000 };
/** The most memory that a held request may take beside another commit. */
const mostHeldKB = 12;

export const held: Scenario = {
  name: 'held',
  doc: 'Many held GETs for one sleeper, which then wakes.',
  isGate: true,
  run: (context) => holdMany(context, {}, { eachKB: 16, peakMB: 370 }),
  against: compareTrees,
};

export const heldBodies: Scenario = {
  name: 'held-bodies',
  doc: 'The same with 64 KiB bodies, whose SHA-256 the app answers.',
  run: (context) => holdMany(context, { bodyBytes: 65_536 }, { eachKB: 130 }),
};

interface Load {
  readonly bodyBytes?: number;
}

/** The measurements of one round. */
type Seen = Awaited<ReturnType<typeof holdOnce>>;

async function holdMany(context: Context, load: Load, limits: { eachKB: number; peakMB?: number }): Promise<Figure[]> {
  const count = context.quick ? many.quick : many.full;
  const rounds: Seen[] = [];
  while (rounds.length < (context.quick ? 1 : Math.min(context.rounds, mostRounds))) {
    const seen = await holdOnce({ ...load, count });
    rounds.push(seen);
    context.keep({ ...seen });
    const { eachKB, lastMs } = seen;
    context.log(`${count} held: ${eachKB.toFixed(1)} KB each, the last answered after ${lastMs.toFixed(0)} ms`);
  }
  const of = (name: string, unit: string, number: (seen: Seen) => number, bounds?: Bounds): Figure =>
    figureOf(name, unit, rounds.map(number), bounds);
  const sum = (number: (seen: Seen) => number): number => rounds.map(number).reduce((a, b) => a + b);
  const { eachKB, peakMB } = limits;
  const failed = sum((seen) => seen.failed);
  const notForwarded = sum((seen) => seen.notForwarded);
  const perAwake = ({ drainRate, awakeRate }: Seen): number => drainRate / awakeRate;
  return [
    exactly('requests held at once', count, count),
    none('failed', failed),
    none('accepted and not forwarded', notForwarded),
    exactly('scale calls per round', sum(({ scaleCalls }) => scaleCalls) / rounds.length, 1),
    of('memory of each held', 'KB', (seen) => seen.eachKB, { atMost: eachKB, quickAtMost: eachKB * 1.5 }),
    of('peak memory of the DLX', 'MB', (seen) => seen.peakMB, peakMB === undefined ? {} : { atMost: peakMB }),
    of('ready → first answer', 'ms', ({ firstMs }) => firstMs, { atMost: 60 }),
    of('ready → last answer', 'ms', ({ lastMs }) => lastMs),
    of('drain rate', 'rps', ({ drainRate }) => drainRate),
    of('drain rate / rate of the same requests awake', '×', perAwake, { atLeast: 0.8 }),
    // The second request of a connection costs less than its first, held or not.
    of('drain rate / rate of second requests awake', '×', ({ drainRate, againRate }) => drainRate / againRate),
    // Other users of the machine spoil this figure less than the rate.
    of('requests per CPU second, drained / awake', '×', ({ drainCpuUs, awakeCpuUs }) => awakeCpuUs / drainCpuUs, {
      quickAtLeast: 0.5,
    }),
    of('overtaken on the way to the app', '', ({ overtaken }) => overtaken),
    of('connections to the app for the drain', '', ({ connections }) => connections),
  ];
}

async function compareTrees(run: AgainstRun): Promise<readonly Comparison[]> {
  const { quick, pairs, trees } = run;
  const count = quick ? many.quick : many.full;
  const { kept: rounds } = await runRounds<Seen>(run, {
    ...{ sides, rounds: pairs, spare: Math.ceil(pairs / 4) },
    measure: (side) => holdOnce({ count, tree: trees[side as Side] }),
    text: ({ drainRate }) => `${drainRate.toFixed(0)} rps`,
  });
  failOn(rounds, ({ failed, notForwarded }) => failed + notForwarded, 'held requests were not answered');
  return [
    comparisonOf('drained per second', 'rps', rounds, ({ drainRate }) => drainRate),
    comparisonOf('processor time of a drained one', 'µs', rounds, ({ drainCpuUs }) => drainCpuUs, {
      lessIsBetter: true,
    }),
    comparisonOf('memory of each held', 'KB', rounds, ({ eachKB }) => eachKB, {
      lessIsBetter: true,
      // Few held requests would share what the process itself needs.
      ...(!quick && { atMost: mostHeldKB }),
    }),
  ];
}

/** Each round has processes of its own: memory that an earlier round left behind would hide what this one takes. */
async function holdOnce({ tree, ...load }: Load & { count: number; tree?: string }) {
  const { count } = load;
  await using stage = openStage();
  const [app, client] = [await stage.app(), await stage.client()];
  const dlx = await stage.dlxBefore(await app.listen(), {}, tree);
  for (let i = 0; i < 3; i++) await warmUp(dlx, client, { ...load, count: Math.ceil(count / 10) });
  await dlx.control.park('web');
  await dlx.control.scaleCalls();
  await app.seen();
  await app.connections();
  const before = await lowestRss(dlx);
  forgetPeak(dlx.pid);
  await client.open({ count, port: dlx.port });
  await client.send(load);
  await dlx.until(`${count} are held`, ({ held: now }) => now === count);
  const during = await highestRss(dlx);
  const cpuBefore = cpuSeconds(dlx.pid);
  const readyMs = await dlx.control.ready('web');
  const drained = await client.answers();
  const drainCpu = cpuSeconds(dlx.pid) - cpuBefore;
  const peak = peakRssBytes(dlx.pid);
  const scaleCalls = (await dlx.control.scaleCalls()).length;
  const [overtaken, connections] = [overtakenIn(await app.seen()), await app.connections()];
  await client.send({ ...load, window });
  const again = await client.answers();
  await client.close();
  await client.open({ count, port: dlx.port });
  const cpuBetween = cpuSeconds(dlx.pid);
  await client.send({ ...load, window });
  const awake = await client.answers();
  const awakeCpu = cpuSeconds(dlx.pid) - cpuBetween;
  await client.close();
  const { accepted, byOutcome } = await settled(dlx);
  return {
    failed: drained.failed + again.failed + awake.failed,
    notForwarded: accepted - (byOutcome['forwarded'] ?? 0),
    scaleCalls,
    overtaken,
    /** Connections to the app, while draining. */
    connections,
    eachKB: (during - before) / count / 1000,
    peakMB: peak / 1e6,
    firstMs: drained.firstMs - readyMs,
    lastMs: drained.lastMs - readyMs,
    /** Answers per second, from ready to the last. */
    drainRate: perSecond(drained, readyMs),
    /** The rates of the same requests to the awake app: on new connections, and once more on these (`againRate`). */
    awakeRate: perSecond(awake, awake.sent[0]?.sentMs),
    againRate: perSecond(again, again.sent[0]?.sentMs),
    /**
     * Processor time of the DLX per request: with the answer alone while draining, with reading the request while awake.
     */
    drainCpuUs: (drainCpu / count) * 1e6,
    awakeCpuUs: (awakeCpu / count) * 1e6,
  };
}

async function warmUp(dlx: DlxProcess, client: Remote<ClientCalls>, load: Load & { count: number }): Promise<void> {
  await dlx.control.park('web');
  await client.open({ count: load.count, port: dlx.port });
  await client.send(load);
  await dlx.until('the first are held', ({ held: now }) => now === load.count);
  await dlx.control.ready('web');
  await client.answers();
  await client.keepAsking({ over: window, forMs: 500 });
  await client.close();
  await settled(dlx);
}

function perSecond({ sent, lastMs }: Round, fromMs = 0): number {
  return (sent.length / (lastMs - fromMs)) * 1000;
}

/** How many requests arrived after one that had been sent later. */
export function overtakenIn(numbers: readonly number[]): number {
  let highest = -1;
  let count = 0;
  for (const number of numbers) {
    if (number < highest) count += 1;
    highest = Math.max(highest, number);
  }
  return count;
}

/** Memory after a garbage collection: the least that the process needs now. */
async function lowestRss(dlx: DlxProcess): Promise<number> {
  await dlx.control.memory();
  return Math.min(...(await samples(dlx)));
}

/** Memory as it is, garbage included. */
async function highestRss(dlx: DlxProcess): Promise<number> {
  return Math.max(...(await samples(dlx)));
}

async function samples(dlx: DlxProcess): Promise<number[]> {
  const found: number[] = [];
  while (found.length < 5) {
    await sleep(100);
    found.push(rssBytes(dlx.pid));
  }
  return found;
}
