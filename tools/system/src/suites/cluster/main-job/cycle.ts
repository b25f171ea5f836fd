import type { KubeClient } from '@scaler/kube';
import { systemClock } from '@scaler/scaler-types';
import type { Traffic } from '../site/flows.ts';
import { type Helpers, phaseOf, readService, setMetric, type Workload } from './workload.ts';

const phaseLimitMs = 60_000;
const bodyBytes = 1_000_000;

/** One park and wake of one workload. */
export interface CycleReport {
  workload: string;
  mode: string;
  /** From the last request until zero replicas. */
  parkMs: number;
  /** The first request's own time: held, woken, answered. */
  wakeMs: number;
  /** From that request until the traffic was handed back. */
  restoreMs: number;
  problems: string[];
}

export interface CycleContext {
  client: KubeClient;
  traffic: Traffic;
  helpers: Helpers;
}

/** What must hold of the Service of a sleeper. */
async function routingProblems(
  { client }: CycleContext,
  { name, mode }: Workload,
  versionBefore: string,
): Promise<string[]> {
  const { metadata, spec } = await readService(client, name);
  const key = spec?.selector?.['scaler/asleep'];
  if (mode === 'selector' && key === undefined) return ['asleep, and its Service selects pods'];
  if (mode === 'overlay' && metadata?.resourceVersion !== versionBefore) return ['overlay wrote the Service'];
  return [];
}

/** Lets a workload go idle until it sleeps, wakes it by a POST from another pod under load, and waits for the hand-back. */
export async function runCycle(context: CycleContext, workload: Workload): Promise<CycleReport> {
  const { client, traffic, helpers } = context;
  const { name, mode, url } = workload;
  const problems: string[] = [];
  const versionBefore = (await readService(client, name)).metadata?.resourceVersion ?? '';
  await traffic.pause(`new ${name}`);
  await traffic.pause(`kept ${name}`);
  const idleAt = systemClock.monotonic();
  await setMetric(client, helpers, name, '0');
  const asleep = await phaseOf(client, name, 'asleep', phaseLimitMs);
  const parkMs = systemClock.monotonic() - idleAt;
  if (asleep.spec?.replicas !== 0) problems.push(`asleep with ${asleep.spec?.replicas} replicas`);
  problems.push(...(await routingProblems(context, workload, versionBefore)));
  await setMetric(client, helpers, name, '5');
  const wokenAt = systemClock.monotonic();
  const posted = traffic.post(url, bodyBytes);
  await traffic.resume(`new ${name}`);
  await traffic.resume(`kept ${name}`);
  const post = await posted;
  if (post.status !== 200) problems.push(`POST: ${post.status} ${post.text ?? ''}`);
  else if (!post.hashRight) problems.push('POST: the body came back with another hash');
  const awake = await phaseOf(client, name, 'awake', phaseLimitMs);
  const restoreMs = systemClock.monotonic() - wokenAt;
  if (awake.spec?.replicas !== 1) problems.push(`awake with ${awake.spec?.replicas} replicas`);
  const after = await readService(client, name);
  if (mode !== 'always' && after.spec?.selector?.['scaler/asleep']) problems.push('awake, and its Service is diverted');
  if (mode === 'overlay' && after.metadata?.resourceVersion !== versionBefore)
    problems.push('overlay wrote the Service');
  return { workload: name, mode, parkMs, wakeMs: post.ms, restoreMs, problems };
}
