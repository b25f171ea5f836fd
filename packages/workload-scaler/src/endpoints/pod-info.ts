import { type Pod, type ReplicaSet, identity } from '@scaler/kube';
import { podShape } from '../workload/pod-shape.ts';

/** What is kept of a pod. */
export type PodInfo = Readonly<ReturnType<typeof trimPod>>;

/** Trims a pod. */
export function trimPod({ metadata, spec, status }: Pod) {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
  return {
    ...identity(metadata),
    labels: metadata?.labels ?? {},
    /** The uid of the object that controls it: a ReplicaSet, or the workload itself. */
    ownerUid: controllerUid(metadata),
    phase: status?.phase ?? 'Pending',
    /** It has a node. */
    scheduled: (spec?.nodeName ?? '') !== '',
    ip: status?.podIP,
    /** Its condition `Ready`. */
    ready,
    terminating: metadata?.deletionTimestamp !== undefined,
    shape: podShape(spec),
    /** Why it does not get on, as far as its status says. */
    trouble: troubleOf(status),
    /** What it still waits for; undefined too once it is ready. */
    waitsFor: ready ? undefined : waitOf(spec, status),
  };
}

/** What is kept of a ReplicaSet. */
export type ReplicaSetInfo = Readonly<ReturnType<typeof trimReplicaSet>>;

/** Trims a ReplicaSet. */
export function trimReplicaSet({ metadata, spec, status }: ReplicaSet) {
  const failure = status?.conditions?.find(({ type, status: value }) => type === 'ReplicaFailure' && value === 'True');
  return {
    ...identity(metadata),
    /** The workload's uid. */
    ownerUid: controllerUid(metadata),
    generation: metadata?.generation ?? 0,
    observedGeneration: status?.observedGeneration ?? 0,
    /** Asked for. */
    replicas: spec?.replicas ?? 1,
    /** Its condition `ReplicaFailure`, for instance a quota. */
    trouble: failure && { reason: failure.reason ?? 'ReplicaFailure', message: failure.message ?? '' },
  };
}

function controllerUid(metadata: Pod['metadata']): string | undefined {
  return metadata?.ownerReferences?.find(({ controller }) => controller === true)?.uid;
}

/** Why a pod does not get on, in the platform's own words: `ImagePullBackOff`, `Unschedulable`, `CrashLoopBackOff` ... */
export interface PodTrouble {
  readonly reason: string;
  readonly message: string;
  /** Absent where it is about the pod as a whole, or about one that was not made. */
  readonly container?: ContainerTrouble;
}

/** The container that a trouble is about. */
export type ContainerTrouble = Readonly<ReturnType<typeof containerTrouble>>;

/** What a pod without trouble still waits for: an init container's end, a startup probe, a readiness probe. */
export type PodWait = Readonly<ReturnType<typeof wait>>;

type Status = NonNullable<Pod['status']>;
type ContainerStatus = NonNullable<Status['containerStatuses']>[number];

// The normal course.
const normal: readonly string[] = ['ContainerCreating', 'PodInitializing'];
const longestWords = 400;

/** Undefined where its status tells of none. */
export function troubleOf(status: Pod['status']): PodTrouble | undefined {
  if (status?.phase === 'Succeeded') return undefined;
  const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status === 'False') {
    return { reason: scheduled.reason ?? 'Unschedulable', message: brief(scheduled.message) };
  }
  const all = [
    ...(status?.initContainerStatuses ?? []).map((one) => ({ one, init: true })),
    ...(status?.containerStatuses ?? []).map((one) => ({ one, init: false })),
  ];
  for (const { one, init } of all) {
    const { reason, message } = one.state?.waiting ?? {};
    if (reason !== undefined && !normal.includes(reason)) {
      return { reason, message: brief(message), container: containerTrouble(one, init) };
    }
  }
  for (const { one, init } of all) {
    const ended = one.state?.terminated;
    if (ended === undefined || (init && ended.exitCode === 0)) continue;
    return { reason: ended.reason ?? 'Error', message: '', container: containerTrouble(one, init) };
  }
  if (status?.phase === 'Failed') return { reason: status.reason ?? 'Failed', message: brief(status.message) };
  return undefined;
}

/** Undefined where there is nothing of it to be waited for, or nothing is known. */
export function waitOf(spec: Pod['spec'], status: Pod['status']): PodWait | undefined {
  const sidecars = new Set(
    spec?.initContainers?.flatMap(({ name, restartPolicy }) => (restartPolicy === 'Always' ? [name] : [])),
  );
  const init = status?.initContainerStatuses?.find(({ name, state }) => state?.running && !sidecars.has(name));
  if (init !== undefined) return wait(init, 'init');
  const unready = status?.containerStatuses?.find(({ state, ready }) => state?.running && !ready);
  return unready && wait(unready, unready.started === false ? 'startup' : 'readiness');
}

function wait(status: ContainerStatus, what: 'init' | 'startup' | 'readiness') {
  return { container: status.name, for: what, restarts: status.restartCount, exit: exitOf(status) };
}

// `init`: one of those that have to end before the others start.
function containerTrouble(status: ContainerStatus, init: boolean) {
  return { name: status.name, init, restarts: status.restartCount, exit: exitOf(status) };
}

// How it ended last: `exited with 1 (Error)`, with its last words where it left some.
function exitOf({ state, lastState }: ContainerStatus): string | undefined {
  const ended = state?.terminated ?? lastState?.terminated;
  if (ended === undefined) return undefined;
  const { exitCode, reason, message } = ended;
  const words = brief(message?.trim().split('\n').at(-1));
  return `exited with ${exitCode}${reason === undefined ? '' : ` (${reason})`}${words === '' ? '' : `: ${words}`}`;
}

function brief(text: string | undefined): string {
  return text === undefined || text.length <= longestWords ? (text ?? '') : `${text.slice(0, longestWords)}…`;
}
