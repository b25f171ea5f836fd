import type { PortPatch } from './allocate-ports.ts';
import { heldPort, isAllGiven } from './port-label.ts';
import { labelValue } from '../workload/labels.ts';
import { readToken } from '../workload/token.ts';
import type { Workload } from '../workload/workload.ts';
import { WorkloadScalerError } from '../errors.ts';
import type { Dependencies } from '../dependencies.ts';
import type { Managed } from '../cache/lookup.ts';
import { createPortBook, enabled, type PortNumbers } from './port-book.ts';
import type { Snapshot } from '../cache/snapshot.ts';
import { listenPortsOf } from '../cache/stores.ts';
import { doublingMs } from '@scaler/async';
import type { Clock } from '@scaler/scaler-types';

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

/** Of a label's value so much is quoted: its owner may write what it likes. */
const quotedLength = 80;

/** Gives every Service port of every resource a port of the DLX, and writes the labels. For the Lease holder. */
export function createPorts(deps: Dependencies) {
  const { clock } = deps;
  const quarrels = new PortQuarrels(clock);
  const book = createPortBook(deps);
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
      await book.write(one, patch, signal);
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
    /**
     * Takes note of who has which port, if it was not yet: from now on no other workload's label takes one away. `signal`: aborts
     * when this process may not act any more, so that another one may give ports away.
     */
    begin: (signal: AbortSignal): void => book.begin(signal),
    /**
     * Resolves when the labels are written.
     *
     * @throws WorkloadScalerError `no-port` when none is left for this resource.
     */
    assign: async ({ managed }: Snapshot, signal: AbortSignal): Promise<void> => {
      // One tenant's labels are not to have all workloads looked at again and again.
      refuse(managed, (one) => isLeftAlone(one.workload));
      running ??= assignAll(signal).finally(() => (running = undefined));
      await running;
      refuse(managed, () => true);
    },
    /** Undefined: none has been given away yet. */
    get use(): PortNumbers | undefined {
      return book.use;
    },
  };
}

export type Ports = ReturnType<typeof createPorts>;

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
  const before = (labelValue(workload, label) ?? '').slice(0, quotedLength);
  return `The label ${label} was "${before}", a port that was not given to it: it has ${labels[label] ?? 'none'} now. Leave labels that begin with scaler/port- out of manifests`;
}

/** How often in a row labels of a workload were taken back, and until when they are left as they are. */
interface Quarrel {
  readonly times: number;
  readonly untilMs: number;
}

const firstMs = 10_000;
const longestMs = 600_000;
/** A quarrel that has rested for so long is over. */
const overAfterMs = 3_600_000;
/** Beyond so many the oldest is forgotten. */
const most = 10_000;

/**
 * A workload that keeps getting labels of ports that it was not given is left alone for a while: another's port is not taken by
 * it, and a tool that writes a manifest again and again would have us write as often. The first time is put right at once.
 */
export class PortQuarrels {
  readonly #clock: Clock;
  readonly #known = new Map<string, Quarrel>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** For how long its labels are left as they are, in milliseconds; 0: they are put right. `uid`: the workload's. */
  leftMs(uid: string): number {
    return Math.max(0, (this.#known.get(uid)?.untilMs ?? 0) - this.#clock.monotonic());
  }

  /** Its labels, which another client had written, are put right. */
  putRight(uid: string): void {
    const nowMs = this.#clock.monotonic();
    for (const [key, { untilMs }] of this.#known) {
      if (nowMs <= untilMs + overAfterMs && this.#known.size < most) break;
      this.#known.delete(key);
    }
    const times = (this.#known.get(uid)?.times ?? 0) + 1;
    const pauseMs = doublingMs(times, firstMs, longestMs);
    this.#known.delete(uid);
    this.#known.set(uid, { times, untilMs: nowMs + pauseMs });
  }
}
