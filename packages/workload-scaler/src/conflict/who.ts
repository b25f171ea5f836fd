import { type FieldPath, type FieldWriter, otherWriter } from '../workload/field-writers.ts';
import { isKubeError, type KubeClient, kinds } from '@scaler/kube';
import type { Managed } from '../cache/lookup.ts';
import type { WorkloadKind } from '../workload/kind.ts';
import type { Revert } from './back-off.ts';

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
