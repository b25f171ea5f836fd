export const modes = ['selector', 'overlay', 'always'] as const;
export type Mode = (typeof modes)[number];

/** An event in a park that a request can be aimed at. */
export type Anchor = `${WriteKind}:${'arrived' | 'done'}`;

/** A write of one of the apps: a phase, or routing. */
export type WriteKind = 'parking' | 'asleep' | 'waking' | 'awake' | 'slice' | 'unslice' | 'key' | 'unkey' | 'ports';

/** Called once, when its anchor is reached. */
export interface Armed {
  readonly anchor: Anchor;
  /** A write that has arrived is held for so long. */
  readonly holdMs: number;
  fire(): void;
}

/** The state of one workload of a fleet, from its objects. {@link follow} updates it. */
export class Workload {
  readonly namespace: string;
  readonly name: string;
  readonly mode: Mode;
  readonly journal = new Journal();
  /** The value of its metric. */
  idle = false;
  phase = '';
  replicas = 0;
  /** The numbers of parks begun, and completed, so far. */
  parks = 0;
  sleeps = 0;
  /** Our key in its Service's selector. */
  key: string | undefined = undefined;
  /** Names of our slices. */
  readonly slices = new Set<string>();
  readonly readyPods = new Set<string>();
  /** When its phase last changed, when its routing was last written, when a zero write came; `performance.now()`. */
  phaseAtMs = 0;
  routedAtMs = 0;
  zeroAtMs = 0;
  /** When a pod last became Ready. */
  readyAtMs = 0;
  armed: Armed | undefined = undefined;
  readonly #waiters = new Set<() => void>();

  constructor(namespace: string, name: string, mode: Mode) {
    this.namespace = namespace;
    this.name = name;
    this.mode = mode;
  }

  /** Awake, with the routing of its mode. */
  get isWhole(): boolean {
    if (this.phase !== 'awake' || this.replicas !== 1 || this.readyPods.size !== 1) return false;
    return this.isRoutedForRest;
  }

  /** Awake or asleep, and nothing under way. */
  get isAtRest(): boolean {
    return this.isWhole || (this.phase === 'asleep' && this.replicas === 0 && this.isRoutedForRest);
  }

  /** Its Service has the routing that the present phase ends with. */
  get isRoutedForRest(): boolean {
    const hasKey = this.key !== undefined;
    const hasSlice = this.slices.size === 1;
    if (this.mode === 'always') return hasKey && hasSlice;
    if (this.phase === 'asleep') return hasSlice && hasKey === (this.mode === 'selector');
    return this.phase === 'awake' && !hasKey && this.slices.size === 0;
  }

  changed(): void {
    for (const waiter of this.#waiters) waiter();
  }

  /** Resolves when `predicate` holds, checked at each change of the workload; false when it did not within the time. */
  until(predicate: () => boolean, timeoutMs: number): Promise<boolean> {
    if (predicate()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const end = (held: boolean): void => {
        clearTimeout(timer);
        this.#waiters.delete(look);
        resolve(held);
      };
      const look = (): void => {
        if (predicate()) end(true);
      };
      // A timer whose result is no longer awaited does not keep the process alive.
      const timer = setTimeout(() => end(false), timeoutMs).unref();
      this.#waiters.add(look);
    });
  }

  /** Reports that an anchor was reached; returns the milliseconds for which its write is to be held. */
  reach(anchor: Anchor): number {
    const { armed } = this;
    if (armed?.anchor !== anchor) return 0;
    this.armed = undefined;
    armed.fire();
    return armed.holdMs;
  }

  /** The beginning of messages about it. */
  toString(): string {
    return `${this.name} (${this.phase}, ${this.replicas} replicas, key ${this.key ?? 'none'}, ${this.slices.size} slices, ${this.readyPods.size} ready pods)`;
  }
}

export interface Note {
  /** `performance.now()`. */
  readonly atMs: number;
  readonly text: string;
}

const kept = 600;

/** The latest events of one workload, for finding out why a request was lost. */
export class Journal {
  #notes: Note[] = [];

  note(text: string): void {
    this.#notes.push({ atMs: performance.now(), text });
    if (this.#notes.length > kept * 1.2) this.#notes = this.#notes.slice(-kept);
  }

  /** The events around a moment, as lines, in milliseconds from it. */
  around(atMs: number, beforeMs: number, afterMs: number): string[] {
    return this.#notes
      .filter((note) => note.atMs >= atMs - beforeMs && note.atMs <= atMs + afterMs)
      .map((note) => `${(note.atMs - atMs).toFixed(1).padStart(10)} ms  ${note.text}`);
  }
}
