import type { ObjectMeta } from '@scaler/kube';
import { keys } from './keys.ts';

/** Who wrote something, as the API server keeps it. */
export interface FieldWriter {
  /** As it calls itself: `argocd-controller`, `kubectl-client-side-apply`. */
  readonly manager: string;
  /**
   * It manages the field now. Else it is merely the last one to write the object since then: who takes something away
   * leaves no trace, and neither does a 0 that is set through the scale.
   */
  readonly sure: boolean;
}

/** A field as `managedFields` names it: `['f:spec', 'f:replicas']`. */
export type FieldPath = readonly string[];

/**
 * The other client that wrote a field of an object that was read whole, since `sinceMs` (Unix epoch) where the field has
 * no manager; undefined: not known. The manager `own` is left out, and so is a client that only writes a status.
 */
export function otherWriter(
  { managedFields = [] }: Pick<ObjectMeta, 'managedFields'>,
  path: FieldPath,
  sinceMs: number,
  own: string = keys.manager,
): FieldWriter | undefined {
  const others = managedFields
    .filter(({ manager, subresource }) => manager !== undefined && manager !== own && subresource !== 'status')
    .map(({ manager = '', time, fieldsV1 }) => ({ manager, atMs: Date.parse(time ?? ''), fieldsV1 }))
    .sort((a, b) => b.atMs - a.atMs);
  const managing = others.find(({ fieldsV1 }) => has(fieldsV1, path));
  if (managing !== undefined) return { manager: managing.manager, sure: true };
  // The server keeps whole seconds.
  const latest = others.find(({ atMs }) => atMs >= Math.floor(sinceMs / 1_000) * 1_000);
  return latest && { manager: latest.manager, sure: false };
}

function has(fields: unknown, path: FieldPath): boolean {
  let at = fields;
  for (const name of path) at = (at as Record<string, unknown> | undefined)?.[name];
  return at !== undefined;
}
