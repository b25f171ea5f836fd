import {
  allocatePorts,
  isKubeError,
  type PortClaimant,
  type PortPatch,
  readToken,
  type Workload,
  writePorts,
} from '@scaler/kube';
import { resourceKey } from '@scaler/scaler-types';
import { DeploymentScalerError } from './errors.ts';
import type { Ground } from './ground.ts';
import { isEnabled, type Managed } from './lookup.ts';
import type { Snapshot } from './snapshot.ts';
import { listenPortsOf } from './stores.ts';

/** Gives every Service port of every resource a port of the DLX, and writes the labels. For the Lease holder. */
export interface Ports {
  /**
   * Resolves when the labels are written.
   *
   * @throws DeploymentScalerError `no-port` when none is left for this resource.
   */
  assign(snapshot: Snapshot, signal: AbortSignal): Promise<void>;
}

/** Whether another workload claims one of its ports too: a copied manifest, or two leaders for a moment. */
export function isContested({ stores }: Ground, workload: Workload): boolean {
  return listenPortsOf(workload).some(
    (port) => stores.workloads.reduce((count, { store }) => count + store.byIndex('port', port).length, 0) > 1,
  );
}

export function createPorts(ground: Ground): Ports {
  // What was written and has not come back by the watch yet: uid → the object as it was then, and its labels now.
  const written = new Map<string, { readonly before: string; readonly portLabels: Workload['portLabels'] }>();
  let running: Promise<ReadonlySet<string>> | undefined;

  const asWritten = (workload: Workload): Workload => {
    const ours = written.get(workload.uid);
    if (ours?.before === workload.resourceVersion) return { ...workload, portLabels: ours.portLabels };
    written.delete(workload.uid);
    return workload;
  };

  async function assignAll(signal: AbortSignal): Promise<ReadonlySet<string>> {
    const { client, lookup, options, stores } = ground;
    const managed = lookup.all().filter(({ workload }) => isEnabled(workload));
    const kinds = new Map(managed.map(({ workload, kind }) => [workload.uid, kind]));
    const claimants = managed.map((one) => claimant(ground, one, asWritten(one.workload)));
    const { patches, refused } = allocatePorts(claimants, stores.slices?.list() ?? [], options.portRange);
    for (const patch of patches) {
      const kind = kinds.get(patch.workload.uid);
      // A change of ports would change what a waiting park has diverted.
      if (kind === undefined || readToken(patch.workload).phase === 'parking') continue;
      try {
        await writePorts(client, kind, patch, { signal, lane: 'normal' });
        written.set(patch.workload.uid, { before: patch.workload.resourceVersion, portLabels: merged(patch) });
      } catch (error) {
        if (!isKubeError(error, 'test-failed', 'conflict', 'not-found', 'write-outcome-unknown')) throw error;
      }
    }
    return new Set(refused.map(resourceKey));
  }

  return {
    assign: async ({ ref, managed }, signal) => {
      running ??= assignAll(signal).finally(() => (running = undefined));
      const refused = await running;
      if (!refused.has(resourceKey(ref)) || managed === undefined) return;
      const { from, to } = ground.options.portRange;
      const message = `No DLX port is left between ${from} and ${to} for a Service port of ${resourceKey(ref)}: widen the option portRange`;
      ground.announce(managed, 'PortRangeFull', message);
      throw new DeploymentScalerError('no-port', message);
    },
  };
}

function claimant({ lookup }: Ground, managed: Managed, workload: Workload): PortClaimant {
  return { workload, services: lookup.servicesOf(managed) };
}

function merged({ workload, labels }: PortPatch): Workload['portLabels'] {
  const kept = workload.portLabels.filter(({ label }) => labels[label] === undefined);
  const set = Object.entries(labels).flatMap(([label, value]) => (value === null ? [] : [{ label, value }]));
  return [...kept, ...set];
}
