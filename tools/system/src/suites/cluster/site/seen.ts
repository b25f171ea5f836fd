import { until } from '@scaler/command';
import { type Deployment, type Kind, kinds, type Service } from '@scaler/kube';
import type { Ground } from '../scenario.ts';

/** A workload, by its name. */
export interface Where {
  readonly namespace: string;
  readonly name: string;
  /** Default `Deployment`. Another must look like one. */
  readonly kind?: 'Deployment' | 'StatefulSet' | Kind<Deployment>;
}

type Cluster = Pick<Ground, 'kube'>;

/** A workload as it is. */
export function readWorkload({ kube }: Cluster, { namespace, name, kind = 'Deployment' }: Where): Promise<Deployment> {
  const of = typeof kind === 'object' ? kind : kind === 'Deployment' ? kinds.deployment : kinds.statefulSet;
  return kube.get(of, { namespace, name }) as Promise<Deployment>;
}

export function phaseOf(workload: { metadata?: Deployment['metadata'] | undefined }): string | undefined {
  return workload.metadata?.labels?.['scaler/phase'];
}

export function readService({ kube }: Cluster, { namespace, name }: Where): Promise<Service> {
  return kube.get(kinds.service, { namespace, name });
}

/** The workload as it is when it is first seen in a phase, whatever its replicas are. */
export function seenIn(
  cluster: Cluster,
  where: Where,
  phase: 'awake' | 'asleep',
  limitMs: number,
): Promise<Deployment> {
  return until(`${where.name} to be ${phase}`, limitMs, async () => {
    const workload = await readWorkload(cluster, where);
    return phaseOf(workload) === phase ? workload : undefined;
  });
}

/** Waits until all have come to a phase: `awake` with all their replicas ready, `asleep` without any. */
export async function untilPhase(
  ground: Ground,
  all: readonly Where[],
  phase: 'awake' | 'asleep',
  limitMs = 90_000,
): Promise<void> {
  const left = new Set(all);
  await until(`${all.length === 1 ? all[0]?.name : `${all.length} workloads`} to be ${phase}`, limitMs, async () => {
    ground.signal.throwIfAborted();
    for (const one of left) {
      const workload = await readWorkload(ground, one);
      const ready = workload.status?.readyReplicas ?? 0;
      const wanted = workload.spec?.replicas ?? 0;
      const isThere = phaseOf(workload) === phase && ready === wanted && wanted > 0 === (phase === 'awake');
      if (isThere) left.delete(one);
      else throw new Error(`${one.name} is ${phaseOf(workload)} with ${ready} of ${wanted} replicas ready`);
    }
    return true;
  });
}

/** By what a Service is diverted: its key, slices. */
export async function diversionOf({ kube }: Cluster, { namespace, name }: Where): Promise<string[]> {
  const { items } = (await kube.request('GET', `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`, {
    query: { labelSelector: `kubernetes.io/service-name=${name},endpointslice.kubernetes.io/managed-by=scaler` },
  })) as { items: { metadata: { name: string } }[] };
  const { spec } = await kube.get(kinds.service, { namespace, name });
  const key = spec?.selector?.['scaler/asleep'];
  return [...(key === undefined ? [] : ['the key']), ...items.map(({ metadata }) => metadata.name)];
}

/** @throws when it is still diverted then. */
export async function untilRestored(cluster: Cluster, where: Where, limitMs = 45_000): Promise<void> {
  await until(`the Service ${where.name} to be restored`, limitMs, async () => {
    const left = await diversionOf(cluster, where);
    if (left.length > 0) throw new Error(`it still has ${left.join(', ')}`);
    return true;
  });
}

/** The labels and annotations of a transition that a workload has. */
export function tracesOn({ metadata }: { metadata?: Deployment['metadata'] | undefined }): string[] {
  const names = [...Object.keys(metadata?.labels ?? {}), ...Object.keys(metadata?.annotations ?? {})];
  return names.filter((name) => /^scaler\/(phase|epoch|state|port-)/.test(name));
}

/** `REASON: message` of every Event about an object of that name; `fields` selects among them. */
export async function eventsOf({ kube }: Cluster, { namespace, name }: Where, fields = ''): Promise<string[]> {
  const query = { fieldSelector: `involvedObject.name=${name}${fields}` };
  const { items } = (await kube.request('GET', `/api/v1/namespaces/${namespace}/events`, { query })) as {
    items: { reason: string; message: string }[];
  };
  return items.map(({ reason, message }) => `${reason}: ${message}`);
}
