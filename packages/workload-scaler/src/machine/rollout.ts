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

/** Whether a Deployment or StatefulSet is in the middle of a rollout, in words. */
export function rolloutProblem({ metadata, spec, status }: RolloutObject): string | undefined {
  const wanted = spec?.replicas ?? 1;
  if ((status?.observedGeneration ?? 0) < (metadata?.generation ?? 0))
    return 'its last change has not been seen by its controller';
  const { updatedReplicas = 0, replicas = 0, currentRevision, updateRevision } = status ?? {};
  const revised = currentRevision !== undefined && updateRevision !== undefined && currentRevision !== updateRevision;
  if (updatedReplicas < wanted || replicas > wanted || revised) return 'a rollout of it is in progress';
  return undefined;
}
