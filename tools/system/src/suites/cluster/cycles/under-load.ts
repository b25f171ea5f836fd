import { spread } from '../../../harness/numbers.ts';
import { all, type Finding, none } from '../../../harness/finding.ts';
import type { Ground } from '../scenario.ts';
import { until } from '@scaler/command';
import type { Client, FlowReport } from '../site/client.ts';
import { createWorkloads, type Described, type Mode, untilPhase, urlOf } from '../site/workloads.ts';
import { type CycleReport, runCycle } from './cycle.ts';

/** Where the workloads are; another namespace than the product's. */
export const appNamespace = 'scaler-e2e-apps';

/** Requests per second to each workload: on new connections, and by one client that keeps its own. */
export interface Rates {
  readonly fresh: number;
  readonly kept: number;
}

/** Creates workloads that serve, and from then on are asked all the while. */
export async function startUnderLoad(
  ground: Ground,
  client: Client,
  workloads: readonly Described[],
  { fresh, kept }: Rates,
): Promise<void> {
  const { traffic } = client;
  for (const { namespace, name } of workloads) await client.setMetric(namespace, name, '5');
  await createWorkloads(ground, workloads);
  await untilPhase(ground, workloads, 'awake');
  for (const one of workloads) {
    const url = urlOf(one);
    await until(`${one.name} to be reached`, 20_000, async () =>
      (await client.ask({ protocol: 'get', url })).ok ? true : undefined,
    );
    await traffic.start(`new ${one.name}`, { url, rps: fresh, keepAlive: false });
    ground.later(() => traffic.stop(`new ${one.name}`));
    if (kept === 0) continue;
    await traffic.start(`kept ${one.name}`, { url, rps: kept, keepAlive: true });
    ground.later(() => traffic.stop(`kept ${one.name}`));
  }
}

/** All workloads at once, each through its cycles. */
export async function runCycles(
  ground: Ground,
  client: Client,
  workloads: readonly Described[],
  each: number,
): Promise<CycleReport[]> {
  const ofOne = async (one: Described): Promise<CycleReport[]> => {
    const reports: CycleReport[] = [];
    for (let i = 0; i < each; i++) {
      ground.signal.throwIfAborted();
      const report = await runCycle(ground, client, one);
      for (const problem of report.problems) ground.log(`${one.name}: ${problem}`);
      reports.push(report);
    }
    return reports;
  };
  return (await Promise.all(workloads.map(ofOne))).flat();
}

/** What the cycles of one mode have shown. A kept-alive client loses what any scale-down loses, but in `always`. */
export function findingsOf(
  ground: Ground,
  mode: Mode,
  cycles: readonly CycleReport[],
  wanted: number,
  flows: Readonly<Record<string, FlowReport>>,
): Finding[] {
  const own = cycles.filter((cycle) => cycle.mode === mode);
  const names = [...new Set(own.map(({ workload }) => workload))];
  const sum = (kind: string, field: 'sent' | 'failed'): number =>
    names.reduce((total, name) => total + (flows[`${kind} ${name}`]?.[field] ?? 0), 0);
  for (const id of names.flatMap((name) => [`new ${name}`, `kept ${name}`]))
    for (const { at, text } of flows[id]?.errors.slice(0, 2) ?? []) ground.log(`${id}: ${at} ${text}`);
  const shown = (what: string, got: string): Finding => ({
    what: `${mode}: ${what}`,
    wanted: 'shown',
    got,
    good: true,
  });
  const ms = (what: string, pick: (report: CycleReport) => number): Finding =>
    shown(what, `${spread(own.map(pick))} ms p50 / p99`);
  const alsoKept = mode === 'always';
  const lost = sum('new', 'failed') + (alsoKept ? sum('kept', 'failed') : 0);
  ground.count(sum('new', 'sent') + sum('kept', 'sent') + own.length, sum('new', 'failed') + sum('kept', 'failed'));
  return [
    all(`${mode}: cycles`, own.length, wanted),
    none(
      `${mode}: problems in them`,
      own.reduce((total, { problems }) => total + problems.length, 0),
    ),
    none(
      `${mode}: lost of ${sum('new', 'sent')} on new connections${alsoKept ? ', and of kept-alive clients' : ''}`,
      lost,
    ),
    shown('lost of kept-alive clients', `${sum('kept', 'failed')} of ${sum('kept', 'sent')}`),
    ms('last request to zero replicas', ({ parkMs }) => parkMs),
    ms('first request to its answer', ({ wakeMs }) => wakeMs),
    ms('first request to traffic handed back', ({ restoreMs }) => restoreMs),
  ];
}
