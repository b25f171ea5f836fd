import { jsonPatch, type PatchOperation } from '@scaler/kube';
import { labelValue } from './labels.ts';
import type { Workload } from './workload.ts';

const labelPath = (label: string): string => jsonPatch.pointer('metadata', 'labels', label);

/**
 * Operations that set or, with null, remove labels of a workload if they are still as read, on this very object.
 * A test for null holds where the label is absent (the parent must be there, and always is: a managed workload has a
 * label); tried on Kubernetes 1.35.
 */
export function labelPatch(
  workload: Workload,
  labels: Readonly<Record<string, string | null>>,
): readonly PatchOperation[] {
  const tests = Object.keys(labels).map((label) => testLabel(workload, label));
  const writes = Object.entries(labels).flatMap(([label, value]): PatchOperation[] => {
    if (value !== null) return [jsonPatch.add(labelPath(label), value)];
    return labelValue(workload, label) === undefined ? [] : [jsonPatch.remove(labelPath(label))];
  });
  return [jsonPatch.test('/metadata/uid', workload.uid), ...parents(workload), ...tests, ...writes];
}

function parents({ labels, portLabels }: Workload): readonly PatchOperation[] {
  if (Object.keys(labels).length + portLabels.length > 0) return [];
  return [jsonPatch.testAbsent('/metadata/labels'), jsonPatch.add('/metadata/labels', {})];
}

function testLabel(workload: Workload, label: string): PatchOperation {
  const value = labelValue(workload, label);
  return value === undefined ? jsonPatch.testAbsent(labelPath(label)) : jsonPatch.test(labelPath(label), value);
}
