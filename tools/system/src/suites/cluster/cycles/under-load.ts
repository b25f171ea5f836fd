import { until } from '@scaler/command';
import { all, type Finding, none } from '../../../harness/report.ts';
import type { Ground } from '../scenario.ts';
import { readService, seenIn, untilPhase } from '../site/seen.ts';
import { createWorkloads, type Described, type Mode, setIdle, urlOf } from '../site/workloads.ts';
import { pauseFlows, type Rates, shownOf, startFlows, type Times, totalsOf, wake } from '../site/flows.ts';
import type { Client } from '../site/client.ts';

/** Where the workloads are; another namespace than the product's. */
export const appNamespace = 'scaler-e2e-apps';

/** Creates workloads that serve, and from then on are asked all the while. */
export async function startUnderLoad(ground: Ground, workloads: readonly Described[], rates: Rates): Promise<void> {
  const client = await ground.client();
  await setIdle(ground, workloads, false);
  await createWorkloads(ground, workloads);
  await untilPhase(ground, workloads, 'awake');
  for (const one of workloads) {
    await until(`${one.name} to be reached`, 20_000, async () =>
      (await client.ask({ protocol: 'get', url: urlOf(one) })).ok ? true : undefined,
    );
    await startFlows(ground, one, rates);
  }
}

/** All workloads at once, each through its cycles. */
export async function runCycles(ground: Ground, workloads: readonly Described[], each: number): Promise<CycleReport[]> {
  const client = await ground.client();
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

/** The findings of the cycles of one mode. */
export async function findingsOf(
  ground: Ground,
  mode: Mode,
  cycles: readonly CycleReport[],
  wanted: number,
): Promise<Finding[]> {
  const own = cycles.filter((cycle) => cycle.mode === mode);
  const names = new Set(own.map(({ workload }) => workload));
  const totals = await totalsOf(
    ground,
    [...names].map((name) => ({ name })),
    2,
  );
  const { sent, lost, keptLost } = totals;
  ground.count(own.length, 0);
  const alsoKept = mode === 'always';
  const andKept = alsoKept ? ', and of kept-alive clients' : '';
  return [
    all(`${mode}: cycles`, own.length, wanted),
    none(`${mode}: problems in them`, own.flatMap(({ problems }) => problems).length),
    none(`${mode}: lost of ${sent} on new connections${andKept}`, lost + (alsoKept ? keptLost : 0)),
    ...shownOf(`${mode}: `, totals, own),
  ];
}

const phaseLimitMs = 60_000;

/** One park and wake of one workload. */
export interface CycleReport extends Times {
  readonly workload: string;
  readonly mode: string;
  readonly problems: readonly string[];
}

/** The problems of the Service of a sleeper. */
async function routingProblems(ground: Ground, one: Described, versionBefore: string): Promise<string[]> {
  const { metadata, spec } = await readService(ground, one);
  const key = spec?.selector?.['scaler/asleep'];
  if (one.mode === 'selector' && key === undefined) return ['asleep, and its Service selects pods'];
  if (one.mode === 'overlay' && metadata?.resourceVersion !== versionBefore) return ['overlay wrote the Service'];
  return [];
}

/** Lets a workload go idle until it sleeps, wakes it by a POST from another pod under load, and waits for the hand-back. */
export async function runCycle(ground: Ground, client: Client, one: Described): Promise<CycleReport> {
  const { namespace, name, mode } = one;
  const versionBefore = (await readService(ground, one)).metadata?.resourceVersion ?? '';
  await pauseFlows(client, one);
  const idleAt = performance.now();
  await client.setMetric(namespace, name, '0');
  const asleep = await seenIn(ground, one, 'asleep', phaseLimitMs);
  const parkMs = performance.now() - idleAt;
  const problems = await routingProblems(ground, one, versionBefore);
  if (asleep.spec?.replicas !== 0) problems.push(`asleep with ${asleep.spec?.replicas} replicas`);
  const { answer, restoreMs, problems: wakeProblems } = await wake(ground, client, one, phaseLimitMs);
  problems.push(...wakeProblems);
  const after = await readService(ground, one);
  if (mode !== 'always' && after.spec?.selector?.['scaler/asleep']) problems.push('awake, and its Service is diverted');
  if (mode === 'overlay' && after.metadata?.resourceVersion !== versionBefore)
    problems.push('overlay wrote the Service');
  return { workload: name, mode, parkMs, wakeMs: answer.ms, restoreMs, problems };
}
