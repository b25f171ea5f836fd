import { deletionPromises } from './deletions.ts';
import { kindPromises } from './kinds.ts';
import { listPromises } from './lists.ts';
import { managerPromises } from './managers.ts';
import { objectPromises } from './objects.ts';
import { patchPromises } from './patches.ts';
import { CheckedApi, type Promised } from './checked-api.ts';
import { watchPromises } from './watches.ts';
import { workloadPromises } from './workloads.ts';

/**
 * The promises of a Kubernetes API server on which scaler relies. Tests hold the fake API to them, and can hold a real server
 * (1.35 at the time of writing). Each promise is independent of the others and cleans up only objects that would disturb:
 * run them in a namespace that you delete afterwards.
 */
export const kubernetesApiPromises: readonly Promised[] = [
  objectPromises,
  deletionPromises,
  patchPromises,
  workloadPromises,
  managerPromises,
  listPromises,
  watchPromises,
  kindPromises,
].flatMap((checks) =>
  Object.entries(checks).map(([name, check]) => ({ name, run: (api) => check(new CheckedApi(api)) })),
);
