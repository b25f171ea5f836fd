import type { PodInfo, PodTrouble, ReplicaSetInfo } from '@scaler/kube';
import type { Explanation } from '@scaler/scaler-types';

/** What is known of a resource that should start. */
export interface ExplainFacts {
  readonly replicas: number;
  readonly pods: readonly PodInfo[];
  /** Those that should have pods. */
  readonly replicaSets: readonly ReplicaSetInfo[];
  /** How the last run of a crashing container ended, in words. */
  readonly lastExit: string | undefined;
}

// Nothing in it changes by waiting: somebody has to change the workload or the cluster. (A node may yet be added, so not `Unschedulable`.)
const hopelessReasons = [
  'ErrImageNeverPull',
  'ImagePullBackOff',
  'InvalidImageName',
  'CreateContainerConfigError',
  'CreateContainerError',
  'FailedCreate',
];

const plain: Readonly<Record<string, string>> = {
  ErrImagePull: 'its image cannot be pulled',
  ImagePullBackOff: 'its image cannot be pulled',
  ErrImageNeverPull: 'its image is not on the node and must not be pulled',
  InvalidImageName: 'the name of its image is wrong',
  CrashLoopBackOff: 'its container ends again and again',
  CreateContainerConfigError: 'a ConfigMap, Secret or key that it needs is missing',
  CreateContainerError: 'its container cannot be created',
  RunContainerError: 'its container cannot be started',
  Unschedulable: 'no node can take its pod',
  FailedCreate: 'its pod is not allowed to be created',
};

/** Why a resource does not start; undefined when nothing stands in its way. Pure. */
export function explainPods({ replicas, pods, replicaSets, lastExit }: ExplainFacts): Explanation | undefined {
  if (replicas === 0) return undefined;
  const alive = pods.filter(({ terminating, phase }) => !terminating && phase !== 'Succeeded');
  if (alive.some(({ ready }) => ready)) return undefined;
  const refused = replicaSets.map(({ trouble }) => trouble).find((trouble) => trouble !== undefined);
  if (refused !== undefined && alive.length === 0) return explained(refused);
  const troubles = alive.flatMap(({ trouble }) => (trouble === undefined ? [] : [trouble]));
  // One pod without trouble may still come up.
  const worst = troubles.length === alive.length ? (troubles.find(isHopeless) ?? troubles[0]) : undefined;
  if (worst !== undefined) return explained(worst, worst.reason === 'CrashLoopBackOff' ? lastExit : undefined);
  const unready = alive.find(({ phase, ip, ready }) => phase === 'Running' && ip !== undefined && !ready);
  if (unready === undefined) return undefined;
  return {
    hopeless: false,
    reason: 'NotReady',
    text: `Its pod ${unready.name} runs, and its readiness check does not pass yet.`,
  };
}

function isHopeless({ reason }: PodTrouble): boolean {
  return hopelessReasons.includes(reason);
}

function explained(trouble: PodTrouble, detail: string | undefined = undefined): Explanation {
  const { reason, message } = trouble;
  const said = [plain[reason] ?? 'its pod does not start', detail, message].filter(
    (text) => text !== undefined && text !== '',
  );
  const text = `${said.join(': ')}`;
  return {
    hopeless: isHopeless(trouble),
    reason,
    text: `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`,
  };
}

interface CrashedPod {
  readonly status?: {
    readonly containerStatuses?: readonly {
      readonly name: string;
      readonly lastState?: { readonly terminated?: { readonly exitCode: number; readonly reason?: string } };
    }[];
  };
}

/** How a crashing container ended last: `web exited with 1 (Error)`. */
export function lastExitOf({ status }: CrashedPod): string | undefined {
  for (const { name, lastState } of status?.containerStatuses ?? []) {
    const ended = lastState?.terminated;
    if (ended === undefined) continue;
    return `${name} exited with ${ended.exitCode}${ended.reason === undefined ? '' : ` (${ended.reason})`}`;
  }
  return undefined;
}
