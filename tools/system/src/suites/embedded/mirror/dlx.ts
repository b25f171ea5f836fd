import { type EmbeddedSystem, systemNamespace } from '@scaler/demo';
import { rollOutDlx } from '../faults/dlx-replicas.ts';

/** The values of the chart. */
const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: '100%', maxUnavailable: 0 } };
const minReadySeconds = 5;

/** Gives the DLX's Deployment the strategy of the chart, with probes that a busy machine can answer. */
export async function prepareDlx(system: EmbeddedSystem): Promise<void> {
  const readinessProbe = { failureThreshold: 10, timeoutSeconds: 5 };
  const template = { spec: { containers: [{ name: 'dlx', readinessProbe }] } };
  const patch = { type: 'strategic', body: { spec: { minReadySeconds, template } } } as const;
  system.api.store.patch('apps/v1/deployments', systemNamespace, 'dlx', patch);
  await replaceDlx(system);
}

/** Replaces every replica, by the strategy. */
export function replaceDlx(system: EmbeddedSystem): Promise<void> {
  return rollOutDlx(system, strategy, 0);
}

/** Sends SIGKILL to one replica: its container starts again. */
export function killOneDlx({ api, kill }: EmbeddedSystem): void {
  const [pod] = api.store.list('v1/pods', { namespace: systemNamespace, labelSelector: 'app=dlx' }).items;
  if (pod !== undefined) kill(systemNamespace, pod.metadata.name, 'SIGKILL');
}

/** The process of the autoscaler. */
export function autoscalerPid(system: EmbeddedSystem): number {
  const own = system
    .processes()
    .find(({ namespace, pod }) => namespace === systemNamespace && pod.startsWith('autoscaler'));
  if (own?.pid === undefined) throw new Error('the autoscaler does not run');
  return own.pid;
}
