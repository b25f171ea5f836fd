import type { PodInfo } from '../endpoints/pod-info.ts';
import type { StoreEvent } from '@scaler/kube';
import type { Workload } from '../workload/workload.ts';
import type { ResourceRef, ScaleOptions, WakeStep } from '@scaler/scaler-types';
import type { Dependencies } from '../dependencies.ts';
import { isPodOf, podsOf } from '../endpoints/own-pods.ts';

/** How far one wake has come, for the caller that asked for it: each step is reported once. */
export interface Progress {
  report(step: WakeStep): void;
  /** Tells once a pod has a node; ends by what it returns. */
  followPods(workload: Workload): () => void;
}

const unasked: Progress = { report: () => undefined, followPods: () => () => undefined };

/** `before`: the workload as it was when the wake was asked for. */
export function createProgress(
  { stores, logger }: Dependencies,
  ref: ResourceRef,
  before: Workload,
  { progress }: ScaleOptions,
): Progress {
  if (progress === undefined) return unasked;
  // What is still there of a workload at zero was there before it slept.
  const old = new Set(before.replicas === 0 ? podsOf(stores, before).map(({ uid }) => uid) : []);
  const reported = new Set<WakeStep>();
  const report = (step: WakeStep): void => {
    if (reported.has(step)) return;
    reported.add(step);
    try {
      progress(ref, step);
    } catch (error) {
      logger.debug('progress could not be reported', { ...ref, step, err: error });
    }
  };
  return {
    report,
    followPods: (workload) => {
      const look = (pod: PodInfo): void => {
        if (pod.scheduled && !pod.terminating && !old.has(pod.uid)) report('scheduled');
      };
      for (const pod of podsOf(stores, workload)) look(pod);
      if (reported.has('scheduled')) return () => undefined;
      const ownersOf = (uid: string): string[] =>
        stores.replicaSets.byIndex('uid', uid).map((set) => set.ownerUid ?? '');
      return stores.pods.subscribe(({ type, object }: StoreEvent<PodInfo>) => {
        if (type !== 'deleted' && isPodOf(workload, object, ownersOf)) look(object);
      });
    },
  };
}
