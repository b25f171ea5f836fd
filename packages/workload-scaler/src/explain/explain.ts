import type { PodInfo, ReplicaSetInfo } from '../endpoints/pod-info.ts';
import type { PodTrouble, PodWait } from '../endpoints/pod-trouble.ts';
import { rankOf } from './hopeless.ts';

/** What is known of a resource that should start. */
export interface ExplainFacts {
  readonly replicas: number;
  readonly pods: readonly PodInfo[];
  /** Those that should have pods. */
  readonly replicaSets: readonly ReplicaSetInfo[];
}

/** What stands in the way of a start. */
export interface Obstacle {
  readonly trouble: PodTrouble;
  /** All of it is stuck: no other pod may come up meanwhile. */
  readonly total: boolean;
  /** The uid of what it is about. Another pod, or another start, is another matter. */
  readonly subject: string;
}

/**
 * How far a start has come: it stands before an obstacle, waits for what should come (`quiet`, with the uids that Events
 * may tell more of), or has nothing in its way.
 */
export type Outlook =
  | { readonly kind: 'obstacle'; readonly obstacle: Obstacle }
  | { readonly kind: 'quiet'; readonly subjects: readonly string[]; readonly waits: PodInfo | undefined }
  | { readonly kind: 'clear' };

/** Looks for what keeps a resource from serving. Pure. */
export function lookOut(workloadUid: string, { replicas, pods, replicaSets }: ExplainFacts): Outlook {
  if (replicas === 0) return { kind: 'clear' };
  const present = pods.filter(({ terminating, phase }) => !terminating && phase !== 'Succeeded');
  // A failed pod is replaced; it tells only as long as it is alone.
  const standing = present.filter(({ phase }) => phase !== 'Failed');
  const alive = standing.length > 0 ? standing : present;
  if (alive.some(({ ready }) => ready)) return { kind: 'clear' };
  const refused = alive.length === 0 ? replicaSets.find(({ trouble }) => trouble !== undefined) : undefined;
  if (refused?.trouble !== undefined) {
    const subject = `${refused.uid}/${refused.generation}`;
    return { kind: 'obstacle', obstacle: { trouble: refused.trouble, total: true, subject } };
  }
  const [worst] = alive
    .flatMap(({ trouble, uid }) => (trouble === undefined ? [] : [{ trouble, uid }]))
    .sort((a, b) => rankOf(a.trouble) - rankOf(b.trouble));
  if (worst !== undefined) {
    const total = alive.every(({ trouble }) => trouble !== undefined);
    return { kind: 'obstacle', obstacle: { trouble: worst.trouble, total, subject: worst.uid } };
  }
  const subjects = alive.length > 0 ? alive.map(({ uid }) => uid) : [workloadUid];
  return { kind: 'quiet', subjects, waits: alive.find(({ waitsFor }) => waitsFor !== undefined) };
}

const plain: Readonly<Record<string, string>> = {
  ErrImagePull: 'its image cannot be pulled',
  ImagePullBackOff: 'its image cannot be pulled',
  ErrImageNeverPull: 'its image is not on the node and must not be pulled',
  InvalidImageName: 'the name of its image is wrong',
  CrashLoopBackOff: 'its container ends again and again',
  CreateContainerConfigError: 'a ConfigMap, Secret or key that it needs is missing',
  CreateContainerError: 'its container cannot be created',
  RunContainerError: 'its container cannot be started',
  OOMKilled: 'its container took more memory than it may',
  Error: 'its container failed',
  Completed: 'its container ended',
  Unschedulable: 'no node can take its pod',
  SchedulingGated: 'its pod may not be scheduled yet',
  FailedCreate: 'its pod is not allowed to be created',
  FailedMount: 'a volume of its pod cannot be mounted',
  FailedAttachVolume: 'a volume of its pod cannot be attached',
  FailedMapVolume: 'a volume of its pod cannot be mounted',
  FailedCreatePodSandBox: 'its pod cannot be set up on the node',
  Unhealthy: 'its pod runs, and its check does not pass',
  Evicted: 'its pod was put off the node',
};

/** One sentence of a trouble. */
export function sentenceOf({ reason, message, container }: PodTrouble): string {
  const what = plain[reason] ?? 'its pod does not start';
  const init = container?.init === true ? what.replace('its container', 'its init container') : what;
  const again = container !== undefined && container.restarts > 1 ? `, ${container.restarts} restarts` : '';
  const who = container && `${container.name}${container.exit === undefined ? '' : ` ${container.exit}`}${again}`;
  // Its own message tells of the back-off alone.
  const said = reason === 'CrashLoopBackOff' && container?.exit !== undefined ? undefined : message.trim();
  return sentence([init, who, said]);
}

const waitTexts: Record<PodWait['for'], string> = {
  init: 'has not finished yet',
  startup: 'runs, and its startup check does not pass yet',
  readiness: 'runs, and its readiness check does not pass yet',
};

/** One sentence of what a pod without trouble waits for. */
export function waitTextOf(pod: PodInfo, wait: PodWait): string {
  const what = wait.for === 'init' ? `Init container ${wait.container} of its pod ${pod.name}` : `Its pod ${pod.name}`;
  const before = wait.exit === undefined ? '' : `; ${wait.container} ${wait.exit} before`;
  return sentence([`${what} ${waitTexts[wait.for]}${before}`]);
}

function sentence(parts: readonly (string | undefined)[]): string {
  const text = parts.filter((part) => part !== undefined && part !== '').join(': ');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`;
}
