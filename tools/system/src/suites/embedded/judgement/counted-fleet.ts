/** The moments at which an app in use gets its requests: one in each. */
const everyMs = 40_000;

/** Apps that count their own requests, which go past the DLX. Each is in steady use until all of them fall idle. */
export class CountedFleet {
  readonly names: readonly string[];
  /** When all counters began anew. */
  resetMs = -Infinity;
  /** From then on no app is in use. */
  idleFromMs = Infinity;
  readonly #phases: ReadonlyMap<string, number>;

  constructor(size: number, random: () => number) {
    this.names = Array.from({ length: size }, (_, i) => `app-${i + 1}`);
    this.#phases = new Map(this.names.map((name) => [name, random() * everyMs]));
  }

  /** The value of its counter at a time. */
  counter(name: string, atMs: number): number {
    const since = atMs >= this.resetMs ? this.resetMs : -Infinity;
    return this.#requestsUntil(name, atMs) - this.#requestsUntil(name, since);
  }

  /** The number of its requests in the time before. */
  requests(name: string, atMs: number, windowMs: number): number {
    return this.#requestsUntil(name, atMs) - this.#requestsUntil(name, atMs - windowMs);
  }

  #requestsUntil(name: string, atMs: number): number {
    // The first request was long before the simulation began.
    const untilMs = Math.max(Math.min(atMs, this.idleFromMs), -3_600_000);
    return Math.floor((untilMs + (this.#phases.get(name) ?? 0)) / everyMs);
  }
}
