import type { EmbeddedSystem } from '@scaler/demo';
import type { Workload } from '../fleet/workload.ts';

export const managerName = 'argocd-controller';

/** The field that it has in Git, and writes back. */
export type Field = 'replicas' | 'selector';

/** A client that writes back the state in Git whenever an object differs from it. */
export interface Reconciler extends Disposable {
  /** How often it wrote back, by workload name. */
  readonly rounds: ReadonlyMap<string, number>;
}

interface Spec {
  readonly spec?: { readonly replicas?: number; readonly selector?: Readonly<Record<string, string>> };
}

export function startReconciler(
  { api: { store } }: EmbeddedSystem,
  workloads: readonly Workload[],
  field: Field,
  everyMs: number,
): Reconciler {
  const rounds = new Map<string, number>();
  const syncOne = (workload: Workload): void => {
    const { namespace, name } = workload;
    const gvr = field === 'replicas' ? 'apps/v1/deployments' : 'v1/services';
    const body = field === 'replicas' ? { replicas: 1 } : { selector: { app: name, 'scaler/asleep': null } };
    const { spec } = store.get(gvr, namespace, name) as Spec;
    const differs = field === 'replicas' ? spec?.replicas !== 1 : spec?.selector?.['scaler/asleep'] !== undefined;
    if (!differs) return;
    rounds.set(name, (rounds.get(name) ?? 0) + 1);
    workload.journal.note(`${managerName}: ${field} written back`);
    store.patch(gvr, namespace, name, { type: 'merge', body: { spec: body } }, { manager: managerName });
  };
  const timer = setInterval(() => workloads.forEach(syncOne), everyMs);
  return { rounds, [Symbol.dispose]: () => clearInterval(timer) };
}
