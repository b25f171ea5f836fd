import { isKubeError, jsonPatch, type PatchOperation } from '@scaler/kube';
import type { Workload } from '../workload/workload.ts';
import { resourceKey, type ResourceRef, ScalerError } from '@scaler/scaler-types';
import type { Dependencies } from '../dependencies.ts';
import { readManaged } from '../cache/snapshot.ts';
import { parseTime } from '../config/values.ts';

const annotation = 'scaler/busy-until';
const path = jsonPatch.pointer('metadata', 'annotations', annotation);
const maxAttempts = 8;

/**
 * Writes the annotation, tested against what was read: of two who ask at once the later end stands. `until` undefined
 * takes it away. Returns what stands there.
 *
 * @throws ScalerError `unknown-resource`. @throws KubeError.
 */
export async function keepBusy(
  deps: Dependencies,
  ref: ResourceRef,
  until: string | undefined,
  signal: AbortSignal,
): Promise<string | undefined> {
  for (let attempt = 1; ; attempt++) {
    const managed = await readManaged(deps, ref, signal);
    if (managed === undefined || managed.workload.deleting) {
      throw new ScalerError('unknown-resource', `There is no resource ${resourceKey(ref)}`);
    }
    const { kind, workload } = managed;
    const wanted = until === undefined ? undefined : later(until, workload.annotations[annotation]);
    if (wanted === workload.annotations[annotation]) return wanted;
    try {
      await deps.client.patch(kind.kind, workload, patchOf(workload, wanted), { signal });
      return wanted;
    } catch (error) {
      const raced = isKubeError(error, 'test-failed', 'conflict', 'write-outcome-unknown', 'not-found');
      if (!raced || attempt >= maxAttempts) throw error;
    }
  }
}

// What cannot be read is replaced.
function later(until: string, kept: string | undefined): string {
  try {
    return kept !== undefined && Date.parse(parseTime(kept)) >= Date.parse(until) ? kept : until;
  } catch {
    return until;
  }
}

function patchOf({ uid, annotated, annotations }: Workload, wanted: string | undefined): readonly PatchOperation[] {
  const kept = annotations[annotation];
  const parent = '/metadata/annotations';
  return [
    jsonPatch.test('/metadata/uid', uid),
    ...(annotated ? [] : [jsonPatch.testAbsent(parent), jsonPatch.add(parent, {})]),
    kept === undefined ? jsonPatch.testAbsent(path) : jsonPatch.test(path, kept),
    wanted === undefined ? jsonPatch.remove(path) : jsonPatch.add(path, wanted),
  ];
}
