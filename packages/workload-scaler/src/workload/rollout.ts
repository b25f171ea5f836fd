import type { KubeObject } from '@scaler/kube';

interface RolloutObject {
  readonly metadata?: { readonly generation?: number };
  readonly spec?: { readonly replicas?: number };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly currentRevision?: string;
    readonly updateRevision?: string;
  };
}

const unseen = 'its last change has not been seen by its controller';
const rolling = 'a rollout of it is in progress';

/**
 * Whether a workload is in the middle of a rollout, by the status that the kinds of `apps/v1` have: what is 0 there is
 * left out.
 */
export function appsRollout(object: KubeObject): string | undefined {
  const { metadata, spec, status } = object as RolloutObject;
  const wanted = spec?.replicas ?? 1;
  if ((status?.observedGeneration ?? 0) < (metadata?.generation ?? 0)) return unseen;
  const { updatedReplicas = 0, replicas = 0, currentRevision, updateRevision } = status ?? {};
  const revised = currentRevision !== undefined && updateRevision !== undefined && currentRevision !== updateRevision;
  return updatedReplicas < wanted || replicas > wanted || revised ? rolling : undefined;
}

/** The same by what a status of any kind may say: what it leaves out is not known, and stands for no rollout. */
export function anyRollout(wanted: number, object: KubeObject): string | undefined {
  const { metadata, status } = object as RolloutObject;
  const observed = Number(status?.observedGeneration ?? NaN);
  if (observed < (metadata?.generation ?? 0)) return unseen;
  const { updatedReplicas = wanted, replicas = wanted, currentRevision, updateRevision } = status ?? {};
  const revised = currentRevision !== undefined && updateRevision !== undefined && currentRevision !== updateRevision;
  return updatedReplicas < wanted || replicas !== wanted || revised ? rolling : undefined;
}
