import type { FakeApi, KubeObject } from '@scaler/testing-kit/kubernetes';

/** A cause in a pod's status. `CrashLoop`: its container has ended three times. */
export type Cause = 'ImagePull' | 'CrashLoop' | 'Unschedulable';

interface PodStatus {
  readonly conditions?: readonly { type: string; status: string; reason?: string }[];
  readonly containerStatuses?: readonly {
    restartCount: number;
    state?: { waiting?: { reason?: string } };
  }[];
}

const signs: Readonly<Record<Cause, (status: PodStatus) => boolean>> = {
  ImagePull: ({ containerStatuses = [] }) =>
    containerStatuses.some(({ state }) => /^(ErrImagePull|ImagePullBackOff)$/.test(state?.waiting?.reason ?? '')),
  CrashLoop: ({ containerStatuses = [] }) =>
    containerStatuses.some(
      ({ restartCount, state }) => restartCount >= 2 && state?.waiting?.reason === 'CrashLoopBackOff',
    ),
  Unschedulable: ({ conditions = [] }) =>
    conditions.some(
      ({ type, status, reason }) => type === 'PodScheduled' && status === 'False' && reason === 'Unschedulable',
    ),
};

/** Returns when a pod of a workload first had the cause in its status since the call; `performance.now()`. */
export function watchForCause(
  { store }: FakeApi,
  namespace: string,
  app: string,
  cause: Cause,
): () => number | undefined {
  let atMs: number | undefined;
  const look = ({ object }: { object: KubeObject }): void => {
    const { status = {} } = object as { status?: PodStatus };
    if (object.metadata.labels?.['app'] === app && signs[cause](status)) atMs ??= performance.now();
  };
  store.watch('v1/pods', look, { namespace });
  return () => atMs;
}
