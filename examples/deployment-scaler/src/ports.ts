import {
  allocatePorts,
  heldPort,
  isCopied,
  isKubeError,
  labelValue,
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
import { countByNamespace, type PortNumbers, type PortUse, portUse } from './port-use.ts';
import type { Options } from './options.ts';
import type { Snapshot } from './snapshot.ts';
import { listenPortsOf } from './stores.ts';

/** Gives every Service port of every resource a port of the DLX, and writes the labels. For the Lease holder. */
export interface Ports {
  /**
   * Takes note of who has which port, if it was not yet: from now on nobody else's label takes one away. `signal`: aborts
   * when this process may not act any more, so that another one may give ports away.
   */
  begin(signal: AbortSignal): void;
  /**
   * Resolves when the labels are written.
   *
   * @throws DeploymentScalerError `no-port` when none is left for this resource.
   */
  assign(snapshot: Snapshot, signal: AbortSignal): Promise<void>;
  /** Undefined: none has been given away yet. */
  readonly use: PortNumbers | undefined;
}

/** Whether another workload claims one of its ports too: a forged label, or two leaders for a moment. */
export function isContested({ stores }: Ground, workload: Workload): boolean {
  return listenPortsOf(workload).some(
    (port) => stores.workloads.reduce((count, { store }) => count + store.byIndex('port', port).length, 0) > 1,
  );
}

/** A label's value as it is told: its owner may write what it likes. */
const toldLength = 80;

export function createPorts(ground: Ground): Ports {
  // What was written and has not come back by the watch yet: uid → the object as it was then, and its labels now.
  const written = new Map<string, { readonly before: string; readonly portLabels: Workload['portLabels'] }>();
  let running: Promise<ReadonlySet<string>> | undefined;
  let held: ReadonlySet<string> | undefined;
  let use: PortUse | undefined;

  const asWritten = (workload: Workload): Workload => {
    const ours = written.get(workload.uid);
    if (ours?.before === workload.resourceVersion) return { ...workload, portLabels: ours.portLabels };
    written.delete(workload.uid);
    return workload;
  };
  const claimants = (): readonly PortClaimant[] =>
    enabled(ground).map((one) => ({ workload: asWritten(one.workload), services: ground.lookup.servicesOf(one) }));

  async function assignAll(signal: AbortSignal): Promise<ReadonlySet<string>> {
    const { client, options, stores } = ground;
    const managed = new Map(enabled(ground).map((one) => [one.workload.uid, one]));
    const all = claimants();
    const { portRange, portsPerNamespace: perNamespace } = options;
    const allocation = allocatePorts(all, stores.slices.list(), portRange, { held, perNamespace });
    const after = allocated(all, allocation.patches);
    const heldBefore = held;
    if (held !== undefined) held = heldBy(after);
    use = portUse(portRange.to - portRange.from + 1, after, allocation);
    noteRefusals(ground, use);
    for (const patch of allocation.patches) {
      const one = managed.get(patch.workload.uid);
      // A change of ports would change what a waiting park has diverted.
      if (one === undefined || readToken(patch.workload).phase === 'parking') continue;
      tellTaken(ground, one, patch, heldBefore);
      try {
        await writePorts(client, one.kind, patch, { signal, lane: 'normal' });
        written.set(patch.workload.uid, { before: patch.workload.resourceVersion, portLabels: merged(patch) });
      } catch (error) {
        if (!isKubeError(error, 'test-failed', 'conflict', 'not-found', 'write-outcome-unknown')) throw error;
      }
    }
    return new Set(allocation.refused.map(resourceKey));
  }

  return {
    begin: (signal) => {
      if (held !== undefined || signal.aborted) return;
      held = heldBy(claimants());
      signal.addEventListener('abort', () => (held = undefined), { once: true });
    },
    assign: async ({ ref, managed }, signal) => {
      running ??= assignAll(signal).finally(() => (running = undefined));
      const refused = await running;
      if (!refused.has(resourceKey(ref)) || managed === undefined) return;
      const message = ground.portRefusals.get(managed.workload.uid) ?? 'No DLX ports are left';
      ground.announce(managed, 'PortRangeFull', message);
      throw new DeploymentScalerError('no-port', message);
    },
    get use() {
      // Who was refused may be gone since, or not opted in any more.
      return use && { ...use, refused: countByNamespace(use.refused.filter((one) => isThere(ground, one))) };
    },
  };
}

function isThere({ stores }: Ground, { namespace, name, uid }: Workload): boolean {
  return stores.workloads.some(({ store }) => {
    const found = store.get(namespace, name);
    return found?.uid === uid && isEnabled(found);
  });
}

function enabled({ lookup }: Ground): readonly Managed[] {
  return lookup.all().filter(({ workload }) => isEnabled(workload));
}

function heldBy(claimants: readonly PortClaimant[]): ReadonlySet<string> {
  const own = claimants.filter(({ workload }) => !isCopied(workload));
  return new Set(
    own.flatMap(({ workload }) => workload.portLabels.map(({ label, value }) => heldPort(workload, label, value))),
  );
}

function allocated(claimants: readonly PortClaimant[], patches: readonly PortPatch[]): readonly PortClaimant[] {
  const labels = new Map(patches.map((patch) => [patch.workload, merged(patch)]));
  return claimants.map(({ workload, services }) => {
    const portLabels = labels.get(workload);
    return { workload: portLabels === undefined ? workload : { ...workload, portLabels }, services };
  });
}

function merged({ workload, labels }: PortPatch): Workload['portLabels'] {
  const kept = workload.portLabels.filter(({ label }) => labels[label] === undefined);
  const set = Object.entries(labels).flatMap(([label, value]) => (value === null ? [] : [{ label, value }]));
  return [...kept, ...set];
}

// One of them stands for all: a copied manifest brings as many as its Services have ports.
function tellTaken(
  { announce }: Ground,
  managed: Managed,
  { workload, labels }: PortPatch,
  held: ReadonlySet<string> | undefined,
): void {
  const taken = Object.entries(labels).find(([label, value]) => {
    const before = labelValue(workload, label);
    return value !== null && before !== undefined && held?.has(heldPort(workload, label, before)) !== true;
  });
  if (taken === undefined) return;
  const [label, value] = taken;
  const before = (labelValue(workload, label) ?? '').slice(0, toldLength);
  announce(
    managed,
    'PortTaken',
    `The label ${label} was "${before}", a port that was not given to it: it has ${value} now. Leave labels that begin with scaler/port- out of manifests`,
  );
}

function noteRefusals({ options, portRefusals }: Ground, use: PortUse): void {
  portRefusals.clear();
  for (const workload of use.refused) portRefusals.set(workload.uid, refusalText(options, workload, use));
}

function refusalText(options: Options, workload: Workload, use: PortUse): string {
  const { namespace } = workload;
  const { from, to } = options.portRange;
  const used = use.used.get(namespace) ?? 0;
  return (
    `No DLX ports are left for the Service ports of ${resourceKey(workload)}, so it stays awake: of those between ${from} and ${to} ` +
    `the namespace ${namespace} has ${used}, and ${use.free} are free. It needs fewer Service ports, or the option portRange more`
  );
}
