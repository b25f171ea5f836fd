/** When an app that is used gets its requests: one in each. */
const everyMs = 40_000;

/** Apps whose requests are counted by themselves, and go past the DLX. Each is used steadily until all of them fall idle. */
export class CountedFleet {
  readonly names: readonly string[];
  /** All counters began anew then. */
  resetMs = -Infinity;
  /** Nobody uses them from then on. */
  idleFromMs = Infinity;
  readonly #phases: ReadonlyMap<string, number>;

  constructor(size: number, random: () => number) {
    this.names = Array.from({ length: size }, (_, i) => `app-${i + 1}`);
    this.#phases = new Map(this.names.map((name) => [name, random() * everyMs]));
  }

  /** What its counter tells at a time. */
  counter(name: string, atMs: number): number {
    const since = atMs >= this.resetMs ? this.resetMs : -Infinity;
    return this.#requestsUntil(name, atMs) - this.#requestsUntil(name, since);
  }

  /** How many requests it had in the time before. */
  requests(name: string, atMs: number, windowMs: number): number {
    return this.#requestsUntil(name, atMs) - this.#requestsUntil(name, atMs - windowMs);
  }

  #requestsUntil(name: string, atMs: number): number {
    // The first one was long before the simulation began.
    const untilMs = Math.max(Math.min(atMs, this.idleFromMs), -3_600_000);
    return Math.floor((untilMs + (this.#phases.get(name) ?? 0)) / everyMs);
  }
}
