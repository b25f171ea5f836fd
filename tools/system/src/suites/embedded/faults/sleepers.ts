import type { EmbeddedSystem } from '@scaler/demo';
import type { Workload } from '../fleet/workload.ts';

const limitMs = 120_000;

/** Makes them idle; resolves when all sleep and their pods are gone, so that no such pod answers any more. */
export async function putToSleep({ api, waitFor }: EmbeddedSystem, workloads: readonly Workload[]): Promise<void> {
  for (const workload of workloads) workload.idle = true;
  for (const workload of workloads) {
    const asleep = (): boolean => workload.phase === 'asleep' && workload.isAtRest;
    if (!(await workload.until(asleep, limitMs))) throw new Error(`not asleep after ${limitMs / 1000} s: ${workload}`);
  }
  const podsOf = ({ namespace, name }: Workload): number =>
    api.store.list('v1/pods', { namespace, labelSelector: `app=${name}` }).items.length;
  await waitFor(() => workloads.every((workload) => podsOf(workload) === 0), { timeoutMs: limitMs });
}
