import { conflict } from '../errors.ts';
import { gvrOf, type Kind, qualifiedKind } from '../kinds.ts';
import { type KubeObject, toTimestamp } from '../object.ts';
import { type DeleteOptions } from './types.ts';

const defaultPodGraceSeconds = 30;

const checked = [
  { field: 'uid', called: 'UID', hint: 'deleted and then recreated' },
  { field: 'resourceVersion', called: 'ResourceVersion', hint: 'modified' },
] as const;

/** Throws Conflict unless the object is the one that is meant. */
export function checkPreconditions(kind: Kind, { metadata }: KubeObject, { preconditions = {} }: DeleteOptions): void {
  for (const { field, called, hint } of checked) {
    const [wanted, found] = [preconditions[field], metadata[field]];
    if (wanted === undefined || wanted === found) continue;
    const differs = `the ${called} in the precondition (${wanted}) does not match the ${called} in record (${found})`;
    const why = `${differs}. The object might have been ${hint}`;
    const error = conflict(kind, metadata.name, why);
    error.status.message = `Operation cannot be fulfilled on ${qualifiedKind(kind)} "${metadata.name}": ${why}`;
    throw error;
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

/** The finalizers that hold an object, a namespace's own in `spec` among them. */
function holders({ kind, metadata, spec }: KubeObject): unknown[] {
  const own = kind === 'Namespace' && Array.isArray(spec?.finalizers) ? spec.finalizers : [];
  return [...(metadata.finalizers ?? []), ...own];
}

/**
 * The object that a DELETE leaves behind: `undefined` when it goes at once, the same object when nothing changes. A pod
 * that goes at once is marked first; {@link isFree} recognises it.
 */
export function afterDelete(
  kind: Kind,
  object: KubeObject,
  options: DeleteOptions,
  nowMs: number,
): KubeObject | undefined {
  const { metadata } = object;
  const foreground =
    options.propagationPolicy === 'Foreground' && !(metadata.finalizers ?? []).includes('foregroundDeletion');
  const isPod = gvrOf(kind) === 'v1/pods';
  if (!isPod && !foreground && holders(object).length === 0) return undefined;
  const before = metadata.deletionTimestamp === undefined ? undefined : (metadata.deletionGracePeriodSeconds ?? 0);
  const grace = graceOf(kind, object, options);
  // A grace period is only ever shortened.
  if (before !== undefined && before <= grace && !foreground) return object;
  const startMs = before === undefined ? nowMs : Date.parse(metadata.deletionTimestamp!) - before * 1000;
  const finalizers = [...(metadata.finalizers ?? []), ...(foreground ? ['foregroundDeletion'] : [])];
  const left = marked(object, Math.min(grace, before ?? grace), startMs, finalizers);
  return kind.kind === 'Namespace' ? { ...left, status: { phase: 'Terminating' } } : left;
}

/** Whether nothing holds a deleted object any more. */
export function isFree(object: KubeObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds } = object.metadata;
  return deletionTimestamp !== undefined && holders(object).length === 0 && (deletionGracePeriodSeconds ?? 0) === 0;
}
