import { type Pod, type ReplicaSet, identity } from '@scaler/kube';
import { type PodShape, podShape } from '../workload/pod-shape.ts';
import { type PodTrouble, type PodWait, troubleOf, waitOf } from './pod-trouble.ts';

/** What is kept of a pod. */
export interface PodInfo {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The uid of the object that controls it: a ReplicaSet, or the workload itself. */
  readonly ownerUid: string | undefined;
  readonly phase: string;
  /** It has a node. */
  readonly scheduled: boolean;
  readonly ip: string | undefined;
  /** Its condition `Ready`. */
  readonly ready: boolean;
  readonly terminating: boolean;
  /** RFC 3339. */
  readonly createdAt: string;
  readonly shape: PodShape;
  /** Why it does not get on, as far as its status says. */
  readonly trouble: PodTrouble | undefined;
  /** What it still waits for; undefined too once it is ready. */
  readonly waitsFor: PodWait | undefined;
}

/** Trims a pod. */
export function trimPod({ metadata, spec, status }: Pod): PodInfo {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
  return {
    ...identity(metadata),
    labels: metadata?.labels ?? {},
    ownerUid: controllerUid(metadata),
    phase: status?.phase ?? 'Pending',
    scheduled: (spec?.nodeName ?? '') !== '',
    ip: status?.podIP,
    ready,
    terminating: metadata?.deletionTimestamp !== undefined,
    createdAt: metadata?.creationTimestamp ?? '',
    shape: podShape(spec),
    trouble: troubleOf(status),
    waitsFor: ready ? undefined : waitOf(spec, status),
  };
}

/** What is kept of a ReplicaSet. */
export interface ReplicaSetInfo {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** The workload's uid. */
  readonly ownerUid: string | undefined;
  /** `deployment.kubernetes.io/revision`; the newest has the highest. 0: none. */
  readonly revision: number;
  readonly generation: number;
  readonly observedGeneration: number;
  /** Asked for. */
  readonly replicas: number;
  /** Its condition `ReplicaFailure`, for instance a quota. */
  readonly trouble: PodTrouble | undefined;
}

/** Trims a ReplicaSet. */
export function trimReplicaSet({ metadata, spec, status }: ReplicaSet): ReplicaSetInfo {
  const failure = status?.conditions?.find(({ type, status: value }) => type === 'ReplicaFailure' && value === 'True');
  const revision = Number(metadata?.annotations?.['deployment.kubernetes.io/revision'] ?? 0);
  return {
    ...identity(metadata),
    ownerUid: controllerUid(metadata),
    revision: Number.isFinite(revision) ? revision : 0,
    generation: metadata?.generation ?? 0,
    observedGeneration: status?.observedGeneration ?? 0,
    replicas: spec?.replicas ?? 1,
    trouble: failure && { reason: failure.reason ?? 'ReplicaFailure', message: failure.message ?? '' },
  };
}

function controllerUid(metadata: Pod['metadata']): string | undefined {
  return metadata?.ownerReferences?.find(({ controller }) => controller === true)?.uid;
}
