import { until } from '@scaler/command';
import { customKind, type Deployment } from '@scaler/kube';
import type { Ground } from '../scenario.ts';
import type { Client } from '../site/client.ts';
import { pauseFlows, type Times, wake } from '../site/flows.ts';
import { diversionOf, phaseOf, readService } from '../site/seen.ts';
import { type Described, serviceObject, workloadObject } from '../site/workloads.ts';

const phaseLimitMs = 90_000;

/** When a new revision comes in a cycle. */
const moments = ['never', 'asleep', 'just before', 'awake'] as const;
type Moment = (typeof moments)[number];

/** The times of one cycle, and its problems. */
export interface RolloutCycle extends Times {
  readonly problems: readonly string[];
}

/**
 * Parks a Rollout, wakes it by a request, and waits for the hand-back; a new revision comes in three cycles of four. Resolves
 * with the reports.
 */
export async function rolloutCycles(
  ground: Ground,
  client: Client,
  one: Described,
  cycles: number,
): Promise<RolloutCycle[]> {
  const reports: RolloutCycle[] = [];
  let revision = 1;
  for (let i = 0; i < cycles; i++) {
    ground.signal.throwIfAborted();
    const moment = moments[i % moments.length] ?? 'never';
    if (moment !== 'never') revision += 1;
    if (moment === 'awake') {
      await revise(ground, one, revision);
      await untilHealthy(ground, one);
    }
    const report = await rolloutCycle(ground, client, one, moment, revision);
    for (const problem of report.problems) ground.log(`${one.name}, cycle ${i + 1}: ${problem}`);
    reports.push(report);
  }
  return reports;
}

async function rolloutCycle(
  ground: Ground,
  client: Client,
  one: Described,
  moment: Moment,
  revision: number,
): Promise<RolloutCycle> {
  const { namespace, name } = one;
  const problems: string[] = [];
  await pauseFlows(client, one);
  if (moment === 'just before') await revise(ground, one, revision);
  const idleAt = performance.now();
  await client.setMetric(namespace, name, '0');
  // The replicas follow the phase in a write of their own.
  await until(`${name} to be asleep without replicas`, phaseLimitMs, async () => {
    const { metadata, spec } = await readRollout(ground, one);
    return (phaseOf({ metadata }) === 'asleep' && spec?.replicas === 0) || undefined;
  });
  const parkMs = performance.now() - idleAt;
  if ((await diversionOf(ground, one)).length === 0) problems.push('asleep, and its Service is not diverted');
  if (moment === 'asleep') {
    await revise(ground, one, revision);
    // Woken before its controller has seen the revision, it would begin with the one before.
    await untilHealthy(ground, one);
  }
  const { answer, restoreMs, problems: wakeProblems } = await wake(ground, client, one, phaseLimitMs);
  const { ok, text, ms } = answer;
  ground.count(1, ok ? 0 : 1);
  problems.push(...wakeProblems);
  if (ok && !text.includes(`"revision":"${revision}"`)) problems.push(`not by revision ${revision}: ${text}`);
  await untilHealthy(ground, one);
  problems.push(...(await diversionOf(ground, one)).map((what) => `awake, and its Service has ${what}`));
  await until('its Services to select the revision', 10_000, async () => {
    const wrong = await selectorProblems(ground, one);
    if (wrong.length > 0) throw new Error(wrong.join(', '));
    return true;
  }).catch((error: Error) => problems.push(error.message));
  return { parkMs, wakeMs: ms, restoreMs, problems };
}

/** Argo's Rollout, which looks like a Deployment but for its status. */
export interface RolloutObject extends Deployment {
  readonly status?: NonNullable<Deployment['status']> & {
    readonly phase?: string;
    readonly message?: string;
    readonly stableRS?: string;
    readonly currentPodHash?: string;
  };
}

export const rolloutKind = customKind<RolloutObject>({
  group: 'argoproj.io',
  version: 'v1alpha1',
  plural: 'rollouts',
  kind: 'Rollout',
  namespaced: true,
});
/** As the option `kinds` names it. */
export const rollouts = 'argoproj.io/v1alpha1/rollouts';
const hashKey = 'rollouts-pod-template-hash';

/** How a Rollout goes from one revision to the next; its Services are those of its name, and of its name with `-next`. */
export type Strategy = 'canary' | 'blueGreen';

/** A Rollout, of `overlay` with a metric unless something else is said. */
export function rolloutOf(namespace: string, name: string, more: Partial<Described> = {}): Described {
  return { namespace, name, mode: 'overlay', kind: rolloutKind, env: { REVISION: '1' }, ...more };
}

function strategyOf(name: string, strategy: Strategy): object {
  if (strategy === 'blueGreen')
    return { blueGreen: { activeService: name, previewService: `${name}-next`, scaleDownDelaySeconds: 1 } };
  const steps = [{ setWeight: 50 }, { pause: { duration: '2s' } }];
  return {
    canary: { stableService: name, canaryService: `${name}-next`, maxSurge: 1, maxUnavailable: 0, steps },
  };
}

/** A Rollout with its two Services. */
export function rolloutObjects(ground: Ground, one: Described, strategy: Strategy): object[] {
  const { namespace, name } = one;
  const object = workloadObject(one, ground.images.app) as { spec: object };
  return [
    serviceObject(namespace, name),
    serviceObject(namespace, `${name}-next`, name),
    { ...object, spec: { ...object.spec, strategy: strategyOf(name, strategy) } },
  ];
}

export function readRollout({ kube }: Ground, { namespace, name }: Described): Promise<RolloutObject> {
  return kube.get(rolloutKind, { namespace, name });
}

/** A new revision of its pods is asked for. */
export async function revise({ kube }: Ground, { namespace, name }: Described, revision: number): Promise<void> {
  const op = { op: 'replace', path: '/spec/template/spec/containers/0/env/0/value', value: String(revision) } as const;
  await kube.patch(rolloutKind, { namespace, name }, [op]);
}

/** Its controller has come to the end of its steps, also where it has no replicas. */
export async function untilHealthy(ground: Ground, one: Described): Promise<void> {
  await until(`${one.name} to be rolled out`, 60_000, async () => {
    const { metadata, spec, status } = await readRollout(ground, one);
    const isSeen = Number(status?.observedGeneration ?? 0) === metadata?.generation;
    if (
      isSeen &&
      status?.phase === 'Healthy' &&
      (status.replicas ?? 0) === spec?.replicas &&
      status.stableRS === status.currentPodHash
    )
      return true;
    throw new Error(`it is ${status?.phase} with ${status?.replicas} pods: ${status?.message ?? ''}`);
  });
}

/** The problems of its Services' selectors: they have to be as its controller writes them, and no more. */
export async function selectorProblems(ground: Ground, one: Described): Promise<string[]> {
  const { status } = await readRollout(ground, one);
  const all = await Promise.all(
    [one.name, `${one.name}-next`].map(async (name) => {
      const { spec } = await readService(ground, { ...one, name });
      const wanted = JSON.stringify({ app: one.name, [hashKey]: status?.stableRS });
      const { app, [hashKey]: hash, ...others } = spec?.selector ?? {};
      const problem = JSON.stringify({ app, [hashKey]: hash }) === wanted ? [] : [`${name} selects ${hash}`];
      return [...problem, ...Object.keys(others).map((key) => `${name} selects by ${key}`)];
    }),
  );
  return all.flat();
}
