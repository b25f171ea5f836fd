import { conflict, type FakeApiError } from '../errors.ts';
import { gvrOf, type Kind, qualifiedKind } from '../kinds.ts';
import { type KubeObject, toTimestamp } from '../object.ts';
import { type DeleteOptions } from './types.ts';

const defaultPodGraceSeconds = 30;

/** Throws Conflict unless the object is the one that is meant. */
export function checkPreconditions(kind: Kind, { metadata }: KubeObject, { preconditions }: DeleteOptions): void {
  const { uid, resourceVersion } = preconditions ?? {};
  const refuse = (why: string): FakeApiError => {
    const error = conflict(kind, metadata.name, why);
    error.status.message = `Operation cannot be fulfilled on ${qualifiedKind(kind)} "${metadata.name}": ${why}`;
    return error;
  };
  if (uid !== undefined && uid !== metadata.uid) {
    throw refuse(
      `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`,
    );
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    throw refuse(
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`,
    );
  }
}

/** How long an object has until it must be gone: only a pod that a node runs has any. */
function graceOf(kind: Kind, { spec, status }: KubeObject, { gracePeriodSeconds }: DeleteOptions): number {
  if (gvrOf(kind) !== 'v1/pods' || (spec?.nodeName ?? '') === '') return 0;
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return 0;
  return Math.max(0, gracePeriodSeconds ?? Number(spec?.terminationGracePeriodSeconds ?? defaultPodGraceSeconds));
}

function marked(
  object: KubeObject,
  graceSeconds: number,
  startMs: number,
  finalizers: string[] | undefined,
): KubeObject {
  const { metadata } = object;
  const first = metadata.deletionTimestamp === undefined;
  return {
    ...object,
    metadata: {
      ...metadata,
      deletionTimestamp: toTimestamp(startMs + graceSeconds * 1000),
      deletionGracePeriodSeconds: graceSeconds,
      ...(first && metadata.generation !== undefined ? { generation: metadata.generation + 1 } : {}),
      ...(finalizers === undefined || finalizers.length === 0 ? {} : { finalizers }),
    },
  };
}

/** The object that a DELETE leaves behind: `undefined` when it goes at once, the same object when nothing changes. */
export function afterDelete(
  kind: Kind,
  object: KubeObject,
  options: DeleteOptions,
  nowMs: number,
): KubeObject | undefined {
  const { metadata } = object;
  const foreground =
    options.propagationPolicy === 'Foreground' && !(metadata.finalizers ?? []).includes('foregroundDeletion');
  const finalizers = [...(metadata.finalizers ?? []), ...(foreground ? ['foregroundDeletion'] : [])];
  const grace = graceOf(kind, object, options);
  if (grace === 0 && finalizers.length === 0) return undefined;
  const before = metadata.deletionTimestamp === undefined ? undefined : (metadata.deletionGracePeriodSeconds ?? 0);
  // A grace period is only ever shortened.
  if (before !== undefined && before <= grace && !foreground) return object;
  const startMs = before === undefined ? nowMs : Date.parse(metadata.deletionTimestamp!) - before * 1000;
  return marked(object, Math.min(grace, before ?? grace), startMs, finalizers);
}

/** Whether nothing holds a deleted object any more. */
export function isFree({ metadata }: KubeObject): boolean {
  return (
    metadata.deletionTimestamp !== undefined &&
    (metadata.finalizers ?? []).length === 0 &&
    (metadata.deletionGracePeriodSeconds ?? 0) === 0
  );
}
