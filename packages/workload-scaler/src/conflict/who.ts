import { isKubeError, type KubeClient, kinds, type ObjectMeta } from '@scaler/kube';
import type { Managed } from '../cache/lookup.ts';
import type { WorkloadKind } from '../workload/kind.ts';
import type { Revert } from './reverts.ts';
import { keys } from '../workload/keys.ts';

function fieldOf(what: Revert['what'], { replicasPath }: WorkloadKind): FieldPath | undefined {
  switch (what) {
    case 'key':
      return ['f:spec', 'f:selector'];
    case 'replicas':
    case 'zero':
      return replicasPath
        .split('/')
        .slice(1)
        .map((name) => `f:${name}`);
    case 'token':
      return ['f:metadata', 'f:labels', 'f:scaler/phase'];
    case 'slices':
      // A slice that is gone does not say who deleted it.
      return undefined;
  }
}

/** The other client that wrote something of a resource since `sinceMs`; undefined: not known. Costs one read. */
export async function whoWrote(
  client: KubeClient,
  { kind, workload }: Managed,
  { what, object }: Revert,
  sinceMs: number,
  signal: AbortSignal,
): Promise<FieldWriter | undefined> {
  const path = fieldOf(what, kind);
  if (path === undefined) return undefined;
  const { namespace } = workload;
  const ref = what === 'key' ? { namespace, name: object.replace('Service ', '') } : workload;
  try {
    const { metadata = {} } = await client.get(what === 'key' ? kinds.service : kind.kind, ref, { signal });
    return otherWriter(metadata, path, sinceMs);
  } catch (error) {
    if (isKubeError(error)) return undefined;
    throw error;
  }
}

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
