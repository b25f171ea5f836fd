import { type EmbeddedSystem, systemNamespace } from '@scaler/demo';

const deployments = 'apps/v1/deployments';

interface DlxDeployment {
  readonly metadata: { readonly generation?: number };
  readonly spec: { readonly replicas: number };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly readyReplicas?: number;
  };
}

const read = ({ api }: EmbeddedSystem): DlxDeployment =>
  api.store.get(deployments, systemNamespace, 'dlx') as unknown as DlxDeployment;

export function readyDlx(system: EmbeddedSystem): number {
  return read(system).status?.readyReplicas ?? 0;
}

export function scaleDlx({ api }: EmbeddedSystem, replicas: number): void {
  api.store.patch(deployments, systemNamespace, 'dlx', { type: 'merge', body: { spec: { replicas } } });
}

/** Sends SIGKILL to each of them, now. */
export function killDlx({ api, kill }: EmbeddedSystem): void {
  const { items } = api.store.list('v1/pods', { namespace: systemNamespace, labelSelector: 'app=dlx' });
  for (const { metadata } of items) kill(systemNamespace, metadata.name, 'SIGKILL');
}

/** Replaces all of them by the strategy; the readiness probe of a new one starts after `delaySeconds`. */
export async function rollOutDlx(system: EmbeddedSystem, strategy: object, delaySeconds: number): Promise<void> {
  const readinessProbe = { initialDelaySeconds: delaySeconds };
  const template = {
    metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': new Date().toISOString() } },
    spec: { containers: [{ name: 'dlx', readinessProbe }] },
  };
  const patch = { type: 'strategic', body: { spec: { strategy, template } } } as const;
  system.api.store.patch(deployments, systemNamespace, 'dlx', patch);
  const isDone = (): boolean => {
    const { metadata, spec, status = {} } = read(system);
    const { observedGeneration = 0, replicas, updatedReplicas, readyReplicas } = status;
    if (observedGeneration < (metadata.generation ?? 0)) return false;
    return [replicas, updatedReplicas, readyReplicas].every((count) => count === spec.replicas);
  };
  await system.waitFor(isDone, { timeoutMs: 120_000 });
}
