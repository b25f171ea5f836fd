import { allocatePorts, type PortClaimant, type PortPatch, type PortAllocation } from './allocate-ports.ts';
import { heldPort } from './port-label.ts';
import { isCopied } from '../workload/token.ts';
import type { Workload } from '../workload/workload.ts';
import { resourceKey } from '@scaler/scaler-types';
import type { Dependencies } from '../dependencies.ts';
import { isEnabled, type Managed } from '../cache/lookup.ts';
import type { Options } from '../config/options.ts';
import { isKubeError, type CallOptions, type KubeClient } from '@scaler/kube';
import { labelPatch } from '../workload/labels.ts';
import type { WorkloadKind } from '../workload/kind.ts';

/** What one allocation came to. */
export interface Allocated {
  readonly patches: readonly PortPatch[];
  readonly refused: readonly Workload[];
  /** What was had before, as `heldPort` writes it; undefined: not known. */
  readonly heldBefore: ReadonlySet<string> | undefined;
}

/** An allocation is followed by a pause of so many times what it took. */
const pauseShare = 4;

/** Who has which port. */
export function createPortBook(deps: Dependencies, writes: Pick<PortWrites, 'asWritten'>) {
  const { clock, lookup, stores, options, portBook } = deps;
  let use: PortUse | undefined;
  let nextMs = 0;

  const claimants = (): readonly PortClaimant[] =>
    enabled(deps).map((one) => ({ workload: writes.asWritten(one.workload), services: lookup.servicesOf(one) }));

  return {
    /** See `Ports`. */
    begin: (signal: AbortSignal): void => {
      if (portBook.held !== undefined || signal.aborted) return;
      // Of two that have one port only one is let have it.
      const all = claimants();
      const { patches } = allocatePorts(all, stores.slices.list(), options.portRange, {
        perNamespace: options.portsPerNamespace,
      });
      portBook.held = heldBy(allocated(all, patches));
      signal.addEventListener('abort', () => (portBook.held = undefined), { once: true });
    },
    allocate: (): Allocated => {
      const beganMs = clock.monotonic();
      const heldBefore = portBook.held;
      const { portRange, portsPerNamespace: perNamespace } = options;
      const all = claimants();
      const allocation = allocatePorts(all, stores.slices.list(), portRange, { held: heldBefore, perNamespace });
      const after = allocated(all, allocation.patches);
      if (heldBefore !== undefined) portBook.held = heldBy(after);
      use = portUse(portRange.to - portRange.from + 1, after, allocation);
      noteRefusals(deps, use);
      nextMs = clock.monotonic() + pauseShare * (clock.monotonic() - beganMs);
      return { ...allocation, heldBefore };
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
export interface PortUse {
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
export function portUse(size: number, claimants: readonly PortClaimant[], { refused }: PortAllocation): PortUse {
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
export function countByNamespace(workloads: readonly Workload[]): ReadonlyMap<string, number> {
  const groups = Map.groupBy(workloads, ({ namespace }) => namespace);
  return new Map([...groups].map(([namespace, { length }]) => [namespace, length]));
}

interface Written {
  /** The object's version before. */
  readonly before: string;
  readonly portLabels: Workload['portLabels'];
}

/** Writes labels of ports, and knows what was written and has not come back by the watch yet. */
export function createPortWrites({ client }: Pick<Dependencies, 'client'>) {
  const written = new Map<string, Written>();
  return {
    /** A workload of the stores with the labels that it has by now. */
    asWritten: (workload: Workload): Workload => {
      const ours = written.get(workload.uid);
      if (ours?.before === workload.resourceVersion) return { ...workload, portLabels: ours.portLabels };
      written.delete(workload.uid);
      return workload;
    },
    /** A write that is lost to another client is left to the next allocation. */
    write: async ({ kind }: Managed, patch: PortPatch, signal: AbortSignal): Promise<void> => {
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

export type PortWrites = ReturnType<typeof createPortWrites>;

/** The labels of ports that a workload has once it is patched. */
export function merged({ workload, labels }: PortPatch): Workload['portLabels'] {
  const kept = workload.portLabels.filter(({ label }) => labels[label] === undefined);
  const set = Object.entries(labels).flatMap(([label, value]) => (value === null ? [] : [{ label, value }]));
  return [...kept, ...set];
}

/**
 * Writes the port labels of one workload.
 *
 * @throws KubeError `test-failed` when they are not as read, `write-outcome-unknown`: allocate anew from what is there.
 */
export async function writePorts(
  client: KubeClient,
  kind: WorkloadKind,
  { workload, labels }: PortPatch,
  options: CallOptions,
): Promise<void> {
  await client.patch(kind.kind, workload, labelPatch(workload, labels), options);
}
