import { heldPort, labelValue, type PortPatch, readToken, type Workload } from '@scaler/kube';
import { DeploymentScalerError } from './errors.ts';
import type { Ground } from './ground.ts';
import { createPortBook, enabled } from './port-book.ts';
import { PortQuarrels } from './port-quarrels.ts';
import type { PortNumbers } from './port-use.ts';
import { createPortWrites } from './port-writes.ts';
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
  const { clock } = ground;
  const quarrels = new PortQuarrels(clock);
  const writes = createPortWrites(ground);
  const book = createPortBook(ground, writes);
  const { refusals } = ground.portBook;
  let running: Promise<void> | undefined;

  async function assignAll(signal: AbortSignal): Promise<void> {
    if (book.pauseMs > 0) await clock.sleep(book.pauseMs, signal);
    const { patches, heldBefore } = book.allocate();
    const managed = new Map(enabled(ground).map((one) => [one.workload.uid, one]));
    for (const patch of patches) {
      const { uid } = patch.workload;
      const one = managed.get(uid);
      // A change of ports would change what a waiting park has diverted.
      if (one === undefined || readToken(patch.workload).phase === 'parking') continue;
      const taken = takenLabel(patch, heldBefore);
      if (taken !== undefined && quarrels.leftMs(uid) > 0) {
        refusals.set(uid, quarrelText(taken));
        ground.lookAgain(one.workload, quarrels.leftMs(uid));
        continue;
      }
      if (taken !== undefined) {
        quarrels.putRight(uid);
        ground.announce(one, 'PortTaken', takenText(patch, taken));
      }
      await writes.write(one, patch, signal);
    }
  }

  return {
    begin: (signal) => book.begin(signal),
    assign: async ({ managed }, signal) => {
      running ??= assignAll(signal).finally(() => (running = undefined));
      await running;
      const why = managed && refusals.get(managed.workload.uid);
      if (managed === undefined || why === undefined) return;
      ground.announce(managed, quarrels.leftMs(managed.workload.uid) > 0 ? 'PortTaken' : 'PortRangeFull', why);
      throw new DeploymentScalerError('no-port', why);
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
    return labels[label] !== null && before !== undefined && held?.has(heldPort(workload, label, before)) !== true;
  });
}

function quarrelText(label: string): string {
  return `The label ${label} says again and again what was not given to it, so it is left as it is for a while, and the workload awake`;
}

function takenText({ workload, labels }: PortPatch, label: string): string {
  const before = (labelValue(workload, label) ?? '').slice(0, toldLength);
  return `The label ${label} was "${before}", a port that was not given to it: it has ${labels[label] ?? ''} now. Leave labels that begin with scaler/port- out of manifests`;
}
