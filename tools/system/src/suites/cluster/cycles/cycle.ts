import type { Ground } from '../scenario.ts';
import type { Client } from '../site/client.ts';
import { type Described, readService, seenIn } from '../site/workloads.ts';
import { pauseFlows, type Times, wake } from './flows.ts';

const phaseLimitMs = 60_000;

/** One park and wake of one workload. */
export interface CycleReport extends Times {
  readonly workload: string;
  readonly mode: string;
  readonly problems: readonly string[];
}

/** What must hold of the Service of a sleeper. */
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
