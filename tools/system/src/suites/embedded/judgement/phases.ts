import type { Clock } from '@scaler/scaler-types';
import type { FakeApi, KubeObject } from '@scaler/testing-kit/kubernetes';

/** One change of a workload's phase. */
export interface PhaseChange {
  readonly name: string;
  readonly phase: string;
  /** Simulated and monotonic. */
  readonly atMs: number;
}

/** Records every change of phase of the workloads of a namespace, and calls a listener. */
export function followPhases(
  { store }: FakeApi,
  namespace: string,
  clock: Clock,
  onChange?: (change: PhaseChange) => void,
): readonly PhaseChange[] {
  const changes: PhaseChange[] = [];
  const phases = new Map<string, string>();
  const look = ({ metadata: { name = '', labels } }: KubeObject): void => {
    const phase = labels?.['scaler/phase'] ?? '';
    if (phases.get(name) === phase) return;
    phases.set(name, phase);
    const change = { name, phase, atMs: clock.monotonic() };
    changes.push(change);
    onChange?.(change);
  };
  store.watch('apps/v1/deployments', ({ object }) => look(object), { namespace });
  return changes;
}
