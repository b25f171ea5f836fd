import { allocatePorts, type PortClaimant, type PortPatch, type PortAllocation } from './allocate-ports.ts';
import { heldPort } from './port-label.ts';
import { isCopied } from '../workload/token.ts';
import type { Workload } from '../workload/workload.ts';
import { resourceKey } from '@scaler/scaler-types';
import type { Dependencies } from '../dependencies.ts';
import { isEnabled, type Managed } from '../cache/lookup.ts';
import type { Options } from '../config/options.ts';
import { isKubeError, jsonPatch, type PatchOperation } from '@scaler/kube';
import { keys } from '../workload/keys.ts';
import { labelPatch } from '../workload/labels.ts';

/** An allocation is followed by a pause of so many times what it took. */
const pauseShare = 4;

/** Labels of ports that were written, and have not come back by the watch yet. */
interface Written {
  /** The object's version before. */
  readonly before: string;
  readonly portLabels: Workload['portLabels'];
}

/** Who has which port. */
export function createPortBook(deps: Dependencies) {
  const { client, clock, lookup, stores, options, portBook } = deps;
  const { portRange, portsPerNamespace: perNamespace } = options;
  const written = new Map<string, Written>();
  let use: PortUse | undefined;
  let nextMs = 0;

  // With the labels that they have by now.
  const asWritten = (workload: Workload): Workload => {
    const ours = written.get(workload.uid);
    if (ours?.before === workload.resourceVersion) return { ...workload, portLabels: ours.portLabels };
    written.delete(workload.uid);
    return workload;
  };
  const allocateAll = (held?: ReadonlySet<string>): PortAllocation & { readonly after: readonly PortClaimant[] } => {
    const all = enabled(deps).map((one) => ({ workload: asWritten(one.workload), services: lookup.servicesOf(one) }));
    const allocation = allocatePorts(all, stores.slices.list(), portRange, { held, perNamespace });
    return { ...allocation, after: allocated(all, allocation.patches) };
  };

  return {
    /** See `Ports`. */
    begin: (signal: AbortSignal): void => {
      if (portBook.held !== undefined || signal.aborted) return;
      // Of two that have one port only one is let have it.
      portBook.held = heldBy(allocateAll().after);
      signal.addEventListener('abort', () => (portBook.held = undefined), { once: true });
    },
    /** `heldBefore`: what was had before, as `heldPort` writes it; undefined: not known. */
    allocate: () => {
      const beganMs = clock.monotonic();
      const heldBefore = portBook.held;
      const { patches, refused, after } = allocateAll(heldBefore);
      if (heldBefore !== undefined) portBook.held = heldBy(after);
      use = portUse(portRange.to - portRange.from + 1, after, refused);
      noteRefusals(deps, use);
      nextMs = clock.monotonic() + pauseShare * (clock.monotonic() - beganMs);
      return { patches, heldBefore };
    },
    /** A write that is lost to another client is left to the next allocation. */
    write: async ({ kind }: Managed, patch: PortPatch, signal: AbortSignal): Promise<void> => {
      const { workload } = patch;
      try {
        await client.patch(kind.kind, workload, portPatch(patch), { signal, lane: 'normal' });
        written.set(workload.uid, { before: workload.resourceVersion, portLabels: merged(patch) });
      } catch (error) {
        if (!isKubeError(error, 'test-failed', 'conflict', 'not-found', 'write-outcome-unknown')) throw error;
      }
    },
    /** Milliseconds until the next allocation should be made. It looks at every workload, and any label may call for it. */
    get pauseMs(): number {
      return Math.max(0, nextMs - clock.monotonic());
    },
    get use(): PortNumbers | undefined {
      // Who was refused may be gone since, or not opted in any more.
      return use && { ...use, refused: countByNamespace(use.refused.filter((one) => isThere(deps, one))) };
    },
  };
}

function isThere({ stores }: Dependencies, { namespace, name, uid }: Workload): boolean {
  return stores.workloads.some(({ store }) => {
    const found = store.get(namespace, name);
    return found?.uid === uid && isEnabled(found);
  });
}

/** All that are to have ports. */
export function enabled({ lookup }: Dependencies): readonly Managed[] {
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

function noteRefusals({ options, portBook: { refusals } }: Dependencies, use: PortUse): void {
  refusals.clear();
  for (const workload of use.refused) refusals.set(workload.uid, refusalText(options, workload, use));
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

/** How the DLX's ports stand after the last allocation. */
interface PortUse {
  readonly free: number;
  /** Namespace → ports. */
  readonly used: ReadonlyMap<string, number>;
  /** Those that got none. */
  readonly refused: readonly Workload[];
}

/** The same in numbers. */
export interface PortNumbers extends Omit<PortUse, 'refused'> {
  /** Namespace → workloads. */
  readonly refused: ReadonlyMap<string, number>;
}

/** Of one allocation. `claimants`: as they are once it is written. */
function portUse(size: number, claimants: readonly PortClaimant[], refused: readonly Workload[]): PortUse {
  const used = new Map<string, number>();
  let free = size;
  for (const { workload } of claimants) {
    const { length } = workload.portLabels;
    if (length > 0) used.set(workload.namespace, (used.get(workload.namespace) ?? 0) + length);
    free -= length;
  }
  return { free: Math.max(0, free), used, refused };
}

/** Namespace → how many of these. */
function countByNamespace(workloads: readonly Workload[]): ReadonlyMap<string, number> {
  const groups = Map.groupBy(workloads, ({ namespace }) => namespace);
  return new Map([...groups].map(([namespace, { length }]) => [namespace, length]));
}

/** The labels of ports that a workload has once it is patched. */
function merged({ workload, labels }: PortPatch): Workload['portLabels'] {
  const kept = workload.portLabels.filter(({ label }) => labels[label] === undefined);
  const set = Object.entries(labels).flatMap(([label, value]) => (value === null ? [] : [{ label, value }]));
  return [...kept, ...set];
}

// Where it was opted out since, a late one would stay for ever.
function portPatch({ workload, labels }: PortPatch): readonly PatchOperation[] {
  const enabled = jsonPatch.pointer('metadata', 'labels', keys.enabled);
  return [jsonPatch.test(enabled, 'true'), ...labelPatch(workload, labels)];
}
