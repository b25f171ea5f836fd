import { type FieldPath, type FieldWriter, otherWriter } from '../workload/field-writers.ts';
import { isKubeError, type KubeClient, kinds } from '@scaler/kube';
import type { Managed } from '../cache/lookup.ts';
import type { Revert } from './back-off.ts';

const fields: Readonly<Record<Revert['what'], FieldPath | undefined>> = {
  key: ['f:spec', 'f:selector'],
  // One that is gone says nothing about who deleted it.
  slices: undefined,
  replicas: ['f:spec', 'f:replicas'],
  zero: ['f:spec', 'f:replicas'],
  token: ['f:metadata', 'f:labels', 'f:scaler/phase'],
};

/** Who else wrote something of a resource, since `sinceMs`; undefined: nobody knows. Costs one read. */
export async function whoWrote(
  client: KubeClient,
  { kind, workload }: Managed,
  { what, object }: Revert,
  sinceMs: number,
  signal: AbortSignal,
): Promise<FieldWriter | undefined> {
  const path = fields[what];
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
