import { heldPort, type PortPatch } from './allocate-ports.ts';
import { labelValue } from '../workload/labels.ts';
import { readToken } from '../workload/token.ts';
import type { Workload } from '../workload/workload.ts';
import { WorkloadScalerError } from '../errors.ts';
import { isAllGiven } from './given-ports.ts';
import type { Dependencies } from '../dependencies.ts';
import type { Managed } from '../cache/lookup.ts';
import { createPortBook, enabled } from './port-book.ts';
import { PortQuarrels } from './port-quarrels.ts';
import type { PortNumbers } from './port-use.ts';
import { createPortWrites } from './port-writes.ts';
import type { Snapshot } from '../cache/snapshot.ts';
import { listenPortsOf } from '../cache/stores.ts';

/** Gives every Service port of every resource a port of the DLX, and writes the labels. For the Lease holder. */
export interface Ports {
  /**
   * Takes note of who has which port, if it was not yet: from now on no other workload's label takes one away. `signal`: aborts
   * when this process may not act any more, so that another one may give ports away.
   */
  begin(signal: AbortSignal): void;
  /**
   * Resolves when the labels are written.
   *
   * @throws WorkloadScalerError `no-port` when none is left for this resource.
   */
  assign(snapshot: Snapshot, signal: AbortSignal): Promise<void>;
  /** Undefined: none has been given away yet. */
  readonly use: PortNumbers | undefined;
}

/**
 * Whether it claims a port by a label that was not given to it: a forged label, or two leaders for a moment. Where nothing
 * is known of what was given, whether another workload claims it too.
 */
export function isContested(
  { stores, portBook }: Pick<Dependencies, 'stores' | 'portBook'>,
  workload: Workload,
): boolean {
  if (portBook.held !== undefined) return !isAllGiven(portBook, workload);
  return listenPortsOf(workload).some(
    (port) => stores.workloads.reduce((count, { store }) => count + store.byIndex('port', port).length, 0) > 1,
  );
}

/** A label's value as it is told: its owner may write what it likes. */
const toldLength = 80;

export function createPorts(deps: Dependencies): Ports {
  const { clock } = deps;
  const quarrels = new PortQuarrels(clock);
  const writes = createPortWrites(deps);
  const book = createPortBook(deps, writes);
  const { refusals } = deps.portBook;
  /** By uid, those that the last allocation left alone. */
  const left = new Set<string>();
  let running: Promise<void> | undefined;

  async function assignAll(signal: AbortSignal): Promise<void> {
    if (book.pauseMs > 0) await clock.sleep(book.pauseMs, signal);
    const { patches, heldBefore } = book.allocate();
    left.clear();
    const managed = new Map(enabled(deps).map((one) => [one.workload.uid, one]));
    for (const patch of patches) {
      const { uid } = patch.workload;
      const one = managed.get(uid);
      // A change of ports would change what a waiting park has diverted.
      if (one === undefined || readToken(patch.workload).phase === 'parking') continue;
      const taken = takenLabel(patch, heldBefore);
      if (taken !== undefined && quarrels.leftMs(uid) > 0) {
        left.add(uid);
        refusals.set(uid, quarrelText(taken));
        deps.enqueue(one.workload, quarrels.leftMs(uid));
        continue;
      }
      if (taken !== undefined) {
        quarrels.putRight(uid);
        deps.announce(one, 'PortTaken', takenText(patch, taken));
      }
      await writes.write(one, patch, signal);
    }
  }

  const isLeftAlone = (workload: Workload): boolean =>
    quarrels.leftMs(workload.uid) > 0 && !isAllGiven(deps.portBook, workload);

  const refuse = (managed: Managed | undefined, when: (managed: Managed) => boolean): void => {
    const why = managed && refusals.get(managed.workload.uid);
    if (managed === undefined || why === undefined || !when(managed)) return;
    deps.announce(managed, left.has(managed.workload.uid) ? 'PortTaken' : 'PortRangeFull', why);
    throw new WorkloadScalerError('no-port', why);
  };

  return {
    begin: (signal) => book.begin(signal),
    assign: async ({ managed }, signal) => {
      // One tenant's labels are not to have all workloads looked at again and again.
      refuse(managed, (one) => isLeftAlone(one.workload));
      running ??= assignAll(signal).finally(() => (running = undefined));
      await running;
      refuse(managed, () => true);
    },
    get use() {
      return book.use;
    },
  };
}

/** The first label with a value that it was not given: a copied manifest brings as many as its Services have ports. */
function takenLabel({ workload, labels }: PortPatch, held: ReadonlySet<string> | undefined): string | undefined {
  return Object.keys(labels).find((label) => {
    const before = labelValue(workload, label);
    return before !== undefined && held?.has(heldPort(workload, label, before)) !== true;
  });
}

function quarrelText(label: string): string {
  return `The label ${label} says again and again what was not given to it, so it is left as it is for a while, and the workload awake`;
}

function takenText({ workload, labels }: PortPatch, label: string): string {
  const before = (labelValue(workload, label) ?? '').slice(0, toldLength);
  return `The label ${label} was "${before}", a port that was not given to it: it has ${labels[label] ?? 'none'} now. Leave labels that begin with scaler/port- out of manifests`;
}
