import { isKubeError } from '@scaler/kube';
import type { PortPatch } from './allocate-ports.ts';
import type { Workload } from '../workload/workload.ts';
import { writePorts } from './write-ports.ts';
import type { Dependencies } from '../dependencies.ts';
import type { Managed } from '../cache/lookup.ts';

/** Writes labels of ports, and knows what was written and has not come back by the watch yet. */
export interface PortWrites {
  /** A workload of the stores with the labels that it has by now. */
  asWritten(workload: Workload): Workload;
  /** A write that is lost to another client is left to the next allocation. */
  write(managed: Managed, patch: PortPatch, signal: AbortSignal): Promise<void>;
}

interface Written {
  /** The object's version before. */
  readonly before: string;
  readonly portLabels: Workload['portLabels'];
}

export function createPortWrites({ client }: Pick<Dependencies, 'client'>): PortWrites {
  const written = new Map<string, Written>();
  return {
    asWritten: (workload) => {
      const ours = written.get(workload.uid);
      if (ours?.before === workload.resourceVersion) return { ...workload, portLabels: ours.portLabels };
      written.delete(workload.uid);
      return workload;
    },
    write: async ({ kind }, patch, signal) => {
      const { uid, resourceVersion } = patch.workload;
      try {
        await writePorts(client, kind, patch, { signal, lane: 'normal' });
        written.set(uid, { before: resourceVersion, portLabels: merged(patch) });
      } catch (error) {
        if (!isKubeError(error, 'test-failed', 'conflict', 'not-found', 'write-outcome-unknown')) throw error;
      }
    },
  };
}

/** The labels of ports that a workload has once it is patched. */
export function merged({ workload, labels }: PortPatch): Workload['portLabels'] {
  const kept = workload.portLabels.filter(({ label }) => labels[label] === undefined);
  const set = Object.entries(labels).flatMap(([label, value]) => (value === null ? [] : [{ label, value }]));
  return [...kept, ...set];
}
