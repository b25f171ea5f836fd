import { allocatePorts, heldPort, type PortClaimant, type PortPatch } from './allocate-ports.ts';
import { isCopied } from '../workload/copied.ts';
import type { Workload } from '../workload/workload.ts';
import { resourceKey } from '@scaler/scaler-types';
import type { Dependencies } from '../dependencies.ts';
import { isEnabled, type Managed } from '../cache/lookup.ts';
import type { Options } from '../config/options.ts';
import { countByNamespace, type PortNumbers, type PortUse, portUse } from './port-use.ts';
import { merged, type PortWrites } from './port-writes.ts';

/** What one allocation came to. */
export interface Allocated {
  readonly patches: readonly PortPatch[];
  readonly refused: readonly Workload[];
  /** What was had before, as `heldPort` writes it; undefined: not known. */
  readonly heldBefore: ReadonlySet<string> | undefined;
}

/** Who has which port. */
export interface PortBook {
  /** See `Ports`. */
  begin(signal: AbortSignal): void;
  allocate(): Allocated;
  /** Milliseconds until the next allocation should be made. It looks at every workload, and any label may call for it. */
  readonly pauseMs: number;
  readonly use: PortNumbers | undefined;
}

/** An allocation is followed by a pause of so many times what it took. */
const pauseShare = 4;

export function createPortBook(deps: Dependencies, writes: Pick<PortWrites, 'asWritten'>): PortBook {
  const { clock, lookup, stores, options, portBook } = deps;
  let use: PortUse | undefined;
  let nextMs = 0;

  const claimants = (): readonly PortClaimant[] =>
    enabled(deps).map((one) => ({ workload: writes.asWritten(one.workload), services: lookup.servicesOf(one) }));

  return {
    begin: (signal) => {
      if (portBook.held !== undefined || signal.aborted) return;
      // Of two that have one port only one is let have it.
      const all = claimants();
      const { patches } = allocatePorts(all, stores.slices.list(), options.portRange, {
        perNamespace: options.portsPerNamespace,
      });
      portBook.held = heldBy(allocated(all, patches));
      signal.addEventListener('abort', () => (portBook.held = undefined), { once: true });
    },
    allocate: () => {
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
    get pauseMs() {
      return Math.max(0, nextMs - clock.monotonic());
    },
    get use() {
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
