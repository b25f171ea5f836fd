import type { FakeApi, KubeObject } from '@scaler/testing-kit/kubernetes';

/** One change of a workload's phase. */
export interface PhaseChange {
  readonly name: string;
  readonly phase: string;
  /** Simulated and monotonic. */
  readonly atMs: number;
}

/** Records every change of phase of the workloads of a namespace. */
export function followPhases({ store }: FakeApi, namespace: string, nowMs: () => number): PhaseChange[] {
  const changes: PhaseChange[] = [];
  const phases = new Map<string, string>();
  const look = ({ metadata: { name = '', labels } }: KubeObject): void => {
    const phase = labels?.['scaler/phase'] ?? '';
    if (phases.get(name) === phase) return;
    phases.set(name, phase);
    changes.push({ name, phase, atMs: nowMs() });
  };
  store.watch('apps/v1/deployments', ({ object }) => look(object), { namespace });
  return changes;
}
