import { systemClock } from '@scaler/scaler-types';
import type { Ground } from '../scenario.ts';
import type { Client } from '../site/client.ts';
import { type Described, readService, seenIn, urlOf } from '../site/workloads.ts';

const phaseLimitMs = 60_000;

/** One park and wake of one workload. */
export interface CycleReport {
  readonly workload: string;
  readonly mode: string;
  /** From the last request until zero replicas. */
  readonly parkMs: number;
  /** The first request's own time: held, woken, answered. */
  readonly wakeMs: number;
  /** From that request until the traffic was handed back. */
  readonly restoreMs: number;
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
  const { traffic } = client;
  const { namespace, name, mode } = one;
  const problems: string[] = [];
  const versionBefore = (await readService(ground, one)).metadata?.resourceVersion ?? '';
  await traffic.pause(`new ${name}`);
  await traffic.pause(`kept ${name}`);
  const idleAt = systemClock.monotonic();
  await client.setMetric(namespace, name, '0');
  const asleep = await seenIn(ground, one, 'asleep', phaseLimitMs);
  const parkMs = systemClock.monotonic() - idleAt;
  if (asleep.spec?.replicas !== 0) problems.push(`asleep with ${asleep.spec?.replicas} replicas`);
  problems.push(...(await routingProblems(ground, one, versionBefore)));
  await client.setMetric(namespace, name, '5');
  const wokenAt = systemClock.monotonic();
  // Of 1 MB, whose hash comes back.
  const posted = client.ask({ protocol: 'post', url: urlOf(one) });
  await traffic.resume(`new ${name}`);
  await traffic.resume(`kept ${name}`);
  const post = await posted;
  if (!post.ok) problems.push(`POST: ${post.status ?? ''} ${post.text}`);
  const awake = await seenIn(ground, one, 'awake', phaseLimitMs);
  const restoreMs = systemClock.monotonic() - wokenAt;
  if (awake.spec?.replicas !== 1) problems.push(`awake with ${awake.spec?.replicas} replicas`);
  const after = await readService(ground, one);
  if (mode !== 'always' && after.spec?.selector?.['scaler/asleep']) problems.push('awake, and its Service is diverted');
  if (mode === 'overlay' && after.metadata?.resourceVersion !== versionBefore)
    problems.push('overlay wrote the Service');
  return { workload: name, mode, parkMs, wakeMs: post.ms, restoreMs, problems };
}
