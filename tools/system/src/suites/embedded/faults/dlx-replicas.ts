import { type EmbeddedSystem, systemNamespace } from '@scaler/demo';

const deployments = 'apps/v1/deployments';

interface AppDeployment {
  readonly metadata: { readonly generation?: number };
  readonly spec: { readonly replicas: number };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly readyReplicas?: number;
  };
}

const read = ({ api }: EmbeddedSystem, app: string): AppDeployment =>
  api.store.get(deployments, systemNamespace, app) as unknown as AppDeployment;

export function readyDlx(system: EmbeddedSystem): number {
  return read(system, 'dlx').status?.readyReplicas ?? 0;
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
export function rollOutDlx(system: EmbeddedSystem, strategy: object, delaySeconds: number): Promise<void> {
  const readinessProbe = { initialDelaySeconds: delaySeconds };
  return rollOut(system, 'dlx', strategy, { spec: { containers: [{ name: 'dlx', readinessProbe }] } });
}

/** Replaces all pods of an app by the strategy; `template` is what changes of them besides. */
export async function rollOut(
  system: EmbeddedSystem,
  app: 'dlx' | 'autoscaler',
  strategy: object,
  template: object = {},
): Promise<void> {
  const metadata = { annotations: { 'kubectl.kubernetes.io/restartedAt': new Date().toISOString() } };
  const body = { spec: { strategy, template: { metadata, ...template } } };
  system.api.store.patch(deployments, systemNamespace, app, { type: 'strategic', body });
  const isDone = (): boolean => {
    const { metadata: now, spec, status = {} } = read(system, app);
    const { observedGeneration = 0, replicas, updatedReplicas, readyReplicas } = status;
    if (observedGeneration < (now.generation ?? 0)) return false;
    return [replicas, updatedReplicas, readyReplicas].every((count) => count === spec.replicas);
  };
  await system.waitFor(isDone, { timeoutMs: 120_000 });
}
