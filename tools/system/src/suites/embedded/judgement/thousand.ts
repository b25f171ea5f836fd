import { setTimeout as sleep } from 'node:timers/promises';
import { atMost, type Finding } from '../../../harness/finding.ts';
import { sizeFrom } from '../../../harness/size.ts';
import { tableLines } from '../../../harness/table.ts';
import { type Looked, rest, startLooked, type Ticks } from './autoscaler-process.ts';

const lookMs = 60_000;
const samples = 12;

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
    const [empty, many] = [await startLooked(0), await startLooked(size)];
    try {
      await rest();
      const [without, withAll] = await Promise.all([look(empty, 0), look(many, size)]);
      none.push(without);
      full.push(withAll);
    } finally {
      await empty.system.close();
      await many.system.close();
    }
  }
  tell([...none, ...full]);
  const mean = (looks: readonly Look[], of: (one: Look) => number): number =>
    looks.reduce((sum, one) => sum + of(one), 0) / looks.length;
  return [
    atMost('tick, the longest since the start', Math.max(...full.map((one) => one.longestTickMs)), 2_500),
    atMost(
      'tick, mean',
      mean(full, (one) => one.meanTickMs),
      2_000,
    ),
    atMost(
      'memory above the same process with none',
      mean(full, (one) => one.rssMb) - mean(none, (one) => one.rssMb),
      50,
      'MB',
    ),
    atMost(
      'processor time while nothing happens',
      mean(full, (one) => one.cpuPercent),
      1,
      '% of a core',
    ),
  ];
}

async function look(looked: Looked, workloads: number): Promise<Look> {
  const [before, ticksBefore] = [await looked.cost(), await looked.ticks()];
  const beganMs = performance.now();
  const requests = looked.countRequests();
  const rss: number[] = [];
  for (let i = 0; i < samples; i++) {
    await sleep(lookMs / samples);
    rss.push((await looked.cost()).rssMb);
  }
  const tookMs = performance.now() - beganMs;
  const counted = requests.stop();
  const [after, ticksAfter] = [await looked.cost(), await looked.ticks()];
  const ticks = ticksAfter.count - ticksBefore.count;
  return {
    workloads,
    ticks,
    meanTickMs: perTick(ticksAfter, ticksBefore),
    longestTickMs: ticksAfter.longestMs,
    cpuPercent: (100 * (after.cpuMs - before.cpuMs)) / tookMs,
    rssMb: rss.toSorted((a, b) => a - b)[samples / 2] ?? Number.NaN,
    requests: counted,
  };
}

function perTick(after: Ticks, before: Ticks): number {
  return (after.totalMs - before.totalMs) / (after.count - before.count);
}

function tell(looks: readonly Look[]): void {
  const head = ['workloads', 'ticks', 'ms each', 'none above', '% of a core', 'RSS MB'];
  const rows = looks.map(({ workloads, ticks, meanTickMs, longestTickMs, cpuPercent, rssMb }) => [
    ...[workloads, ticks, meanTickMs.toFixed(1), longestTickMs, cpuPercent.toFixed(2), rssMb.toFixed(1)],
  ]);
  for (const line of tableLines([head, ...rows])) console.log(line);
  for (const { workloads, requests, ticks } of [looks[0], looks.at(-1)].filter((one) => one !== undefined)) {
    console.log(`\n  requests to the API with ${workloads}, in ${ticks} ticks`);
    const sorted = [...requests].toSorted(([, a], [, b]) => b - a);
    const all = sorted.reduce((sum, [, count]) => sum + count, 0);
    const lines = [...sorted, ['all', all] as const].map(([pattern, count]) => [
      pattern,
      count,
      (count / ticks).toFixed(1),
    ]);
    for (const line of tableLines([['request', 'in all', 'per tick'], ...lines])) console.log(line);
  }
}
