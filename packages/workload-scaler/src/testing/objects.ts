import type { Pod, ReplicaSet } from '@scaler/kube';
import { type PodInfo, type ReplicaSetInfo, trimPod, trimReplicaSet } from '../endpoints/pod-info.ts';
import { type ServiceInfo, trimService } from '../routing/service-info.ts';
import { podShape } from '../workload/pod-shape.ts';
import type { Workload } from '../workload/workload.ts';

/** A workload with one replica, and what is to be different about it. */
export function workload(overrides: Partial<Workload> = {}): Workload {
  return {
    kind: 'Deployment',
    resource: 'deployments.apps',
    pods: 'owned',
    namespace: 'shop',
    name: 'web',
    uid: 'uid-web',
    resourceVersion: '100',
    generation: 1,
    createdAt: '2026-01-01T00:00:00Z',
    deleting: false,
    labels: { 'scaler/enabled': 'true' },
    portLabels: [],
    annotations: {},
    annotated: true,
    claimsWhenScaled: undefined,
    podFinalizer: undefined,
    replicas: 1,
    observedGeneration: 1,
    readyReplicas: 1,
    selector: { app: 'web' },
    templateLabels: { app: 'web' },
    template: podShape(undefined),
    ...overrides,
  };
}

/** A ReplicaSet of {@link workload}. */
export function replicaSet(overrides: Partial<ReplicaSetInfo> = {}): ReplicaSetInfo {
  const object: ReplicaSet = {
    metadata: { namespace: 'shop', name: 'web-1', uid: 'uid-set', resourceVersion: '101', generation: 1 },
    spec: { replicas: 1, selector: {} },
    status: { replicas: 1, observedGeneration: 1 },
  };
  return { ...trimReplicaSet(object), ownerUid: 'uid-web', ...overrides };
}

/** A Ready pod of {@link replicaSet}. */
export function pod(overrides: Partial<PodInfo> = {}, spec?: Pod['spec']): PodInfo {
  const object: Pod = {
    metadata: { namespace: 'shop', name: 'web-1-a', uid: 'uid-pod', resourceVersion: '102', labels: { app: 'web' } },
    ...(spec && { spec }),
    status: { phase: 'Running', podIP: '127.0.0.1', conditions: [{ type: 'Ready', status: 'True' }] },
  };
  return { ...trimPod(object), ownerUid: 'uid-set', ...overrides };
}

/** A Service that selects {@link pod}: 80 → 8080. */
export function service(overrides: Partial<ServiceInfo> = {}): ServiceInfo {
  const info = trimService({
    metadata: { namespace: 'shop', name: 'web', uid: 'uid-service', resourceVersion: '50' },
    spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] },
  });
  return { ...info, ...overrides };
}
