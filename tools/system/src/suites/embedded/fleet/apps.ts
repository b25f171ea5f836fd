import type { RunningProcess } from '@scaler/testing-kit/kubernetes';
import { type EmbeddedSystem, systemNamespace } from '@scaler/demo';

export type App = 'dlx' | 'autoscaler';

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

const read = ({ api }: EmbeddedSystem, app: App): AppDeployment =>
  api.store.get(deployments, systemNamespace, app) as unknown as AppDeployment;

/** How many pods of an app are Ready. */
export function readyPods(system: EmbeddedSystem, app: App): number {
  return read(system, app).status?.readyReplicas ?? 0;
}

/** Whether every pod of both is Ready. */
export function areReady(system: EmbeddedSystem): boolean {
  return (['dlx', 'autoscaler'] as const).every((app) => readyPods(system, app) === read(system, app).spec.replicas);
}

/** The autoscaler that holds the Lease; undefined: none does. */
export function leaderOf({ api }: EmbeddedSystem): string | undefined {
  const lease = api.store.find('coordination.k8s.io/v1/leases', systemNamespace, 'scaler-autoscaler');
  return (lease as { spec?: { holderIdentity?: string } } | undefined)?.spec?.holderIdentity || undefined;
}

/** The processes of an app, by their pods. */
export function processesOf(system: EmbeddedSystem, app: App): readonly RunningProcess[] {
  return system.processes().filter(({ namespace, pod }) => namespace === systemNamespace && pod.startsWith(app));
}

/** The process of the only autoscaler, or of the one in this pod. */
export function autoscalerPid(system: EmbeddedSystem, pod?: string): number {
  const own = processesOf(system, 'autoscaler').find((one) => pod === undefined || one.pod === pod);
  if (own?.pid === undefined) throw new Error(`${pod ?? 'the autoscaler'} does not run`);
  return own.pid;
}

/** Sends SIGKILL to a pod of an app, now; the node starts it again. */
export function killApp({ kill }: EmbeddedSystem, pod: string): void {
  kill(systemNamespace, pod, 'SIGKILL');
}

/** `/metrics` of a pod of an app. */
export async function metricsOf({ api }: EmbeddedSystem, pod: string): Promise<string> {
  const { status } = api.store.get('v1/pods', systemNamespace, pod) as { status?: { podIP?: string } };
  return (await fetch(`http://${status?.podIP}:8081/metrics`)).text();
}

export function scaleDlx({ api }: EmbeddedSystem, replicas: number): void {
  api.store.patch(deployments, systemNamespace, 'dlx', { type: 'merge', body: { spec: { replicas } } });
}

/** Replaces all pods of an app by the strategy; `spec` and `container` are what changes of them besides. */
export async function rollOut(
  system: EmbeddedSystem,
  app: App,
  strategy: object,
  { spec = {}, container = {} } = {},
): Promise<void> {
  const metadata = { annotations: { 'kubectl.kubernetes.io/restartedAt': new Date().toISOString() } };
  const template = { metadata, spec: { containers: [{ name: app, ...container }] } };
  const body = { spec: { strategy, template, ...spec } };
  system.api.store.patch(deployments, systemNamespace, app, { type: 'strategic', body });
  const isDone = (): boolean => {
    const { metadata: now, spec: wanted, status = {} } = read(system, app);
    const { observedGeneration = 0, replicas, updatedReplicas, readyReplicas } = status;
    if (observedGeneration < (now.generation ?? 0)) return false;
    return [replicas, updatedReplicas, readyReplicas].every((count) => count === wanted.replicas);
  };
  await system.waitFor(isDone, { timeoutMs: 120_000 });
}
