import { setTimeout as sleep } from 'node:timers/promises';
import type { EmbeddedSystem } from '@scaler/demo';
import { atMost, type Finding, percentile, printTable, sum } from '../../../harness/report.ts';
import { sizeFrom } from '../../../harness/size.ts';
import { autoscalerPid } from '../fleet/apps.ts';
import { countRequests, readTicks, startWatched } from './autoscaler-process.ts';
import { readCost } from './process-cost.ts';

const lookMs = 60_000;
const samples = 12;
/** By then a process with so many workloads has come to rest. */
const restMs = 45_000;

/** The cost of one process in the time of a look. */
interface Look {
  readonly workloads: number;
  readonly ticks: number;
  readonly meanTickMs: number;
  readonly longestTickMs: number;
  readonly cpuPercent: number;
  /** The median of several looks. */
  readonly rssMb: number;
  readonly requests: ReadonlyMap<string, number>;
}

/**
 * Measures the cost of a thousand workloads with two metrics each, beside the same program with none, both over
 * the same minute. Processor time and memory are the processes' own, so other programs on the machine do not count.
 */
export async function thousand(): Promise<readonly Finding[]> {
  const size = sizeFrom('TRIALS_WORKLOADS', 1000);
  const rounds = sizeFrom('TRIALS_ROUNDS', 2);
  const full: Look[] = [];
  const none: Look[] = [];
  for (let round = 0; round < rounds; round++) {
    await using empty = await startWatched(0);
    await using many = await startWatched(size);
    await sleep(restMs);
    const [without, withAll] = await Promise.all([look(empty, 0), look(many, size)]);
    none.push(without);
    full.push(withAll);
  }
  tell([...none, ...full]);
  type Measure = 'meanTickMs' | 'cpuPercent' | 'rssMb';
  const mean = (looks: readonly Look[], of: Measure): number => sum(looks, (one) => one[of]) / looks.length;
  const moreMb = mean(full, 'rssMb') - mean(none, 'rssMb');
  return [
    atMost('tick, the longest since the start', Math.max(...full.map((one) => one.longestTickMs)), 2_500),
    atMost('tick, mean', mean(full, 'meanTickMs'), 2_000),
    atMost('memory above the same process with none', moreMb, 50, 'MB'),
    atMost('processor time while nothing happens', mean(full, 'cpuPercent'), 1, '% of a core'),
  ];
}

async function look(system: EmbeddedSystem, workloads: number): Promise<Look> {
  const pid = autoscalerPid(system);
  const [before, ticksBefore] = [await readCost(pid), await readTicks(system)];
  const beganMs = performance.now();
  const counted = countRequests(system);
  const rss: number[] = [];
  for (let i = 0; i < samples; i++) {
    await sleep(lookMs / samples);
    rss.push((await readCost(pid)).rssMb);
  }
  const tookMs = performance.now() - beganMs;
  const requests = counted();
  const [after, ticksAfter] = [await readCost(pid), await readTicks(system)];
  const ticks = ticksAfter.count - ticksBefore.count;
  return {
    workloads,
    ticks,
    meanTickMs: (ticksAfter.totalMs - ticksBefore.totalMs) / ticks,
    longestTickMs: ticksAfter.longestMs,
    cpuPercent: (100 * (after.cpuMs - before.cpuMs)) / tookMs,
    rssMb: percentile(rss, 0.5),
    requests,
  };
}

function tell(looks: readonly Look[]): void {
  const head = ['workloads', 'ticks', 'ms each', 'none above', '% of a core', 'RSS MB'];
  const rows = looks.map(({ workloads, ticks, meanTickMs, longestTickMs, cpuPercent, rssMb }) => [
    ...[workloads, ticks, meanTickMs.toFixed(1), longestTickMs, cpuPercent.toFixed(2), rssMb.toFixed(1)],
  ]);
  printTable([head, ...rows]);
  for (const { workloads, requests, ticks } of [looks[0], looks.at(-1)].filter((one) => one !== undefined)) {
    console.log(`\n  requests to the API with ${workloads}, in ${ticks} ticks`);
    const sorted = [...requests].toSorted(([, a], [, b]) => b - a);
    const all = sum(sorted, ([, count]) => count);
    const perTick = (count: number): string => (count / ticks).toFixed(1);
    const lines = [...sorted, ['all', all] as const].map(([what, count]) => [what, count, perTick(count)]);
    printTable([['request', 'in all', 'per tick'], ...lines]);
  }
}
