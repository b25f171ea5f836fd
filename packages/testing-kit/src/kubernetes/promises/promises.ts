import { deletionPromises } from './deletions.ts';
import { kindPromises } from './kinds.ts';
import { listPromises } from './lists.ts';
import { managerPromises } from './managers.ts';
import { objectPromises } from './objects.ts';
import { patchPromises } from './patches.ts';
import { type Promised } from './steps.ts';
import { watchPromises } from './watches.ts';
import { workloadPromises } from './workloads.ts';

/**
 * What a Kubernetes API server promises, as far as scaler leans on it. The fake API is held to it, and so is every real
 * one (1.35 at the time of writing). Each is independent of the others and cleans up nothing but what would disturb:
 * run them in a namespace that you delete afterwards.
 */
export const kubernetesApiPromises: readonly Promised[] = [
  ...objectPromises,
  ...deletionPromises,
  ...patchPromises,
  ...workloadPromises,
  ...managerPromises,
  ...listPromises,
  ...watchPromises,
  ...kindPromises,
];
