/**
 * Where a wake's time goes. `call`: setScale wrote what starts the resource. `scheduled`: it has a place to run on.
 * `ready`: the first held request is released to an endpoint. `first_byte`: one of them begins to be answered.
 */
export const wakePhaseNames = ['call', 'scheduled', 'ready', 'first_byte'] as const;
export type WakePhase = (typeof wakePhaseNames)[number];

/** Takes the times of phases. */
export type PhaseSeconds = Readonly<Record<WakePhase, { observe(seconds: number): void }>>;

/** One wake's phases, each counted once, from the arrival of the first request that waits for it. */
export class WakePhases {
  readonly #seconds: PhaseSeconds;
  readonly #arrivedMs: number;
  readonly #reached = new Set<WakePhase>();
  #readyMs = Number.POSITIVE_INFINITY;

  /** Monotonic, as all times here. */
  constructor(seconds: PhaseSeconds, arrivedMs: number) {
    this.#seconds = seconds;
    this.#arrivedMs = arrivedMs;
  }

  get isReady(): boolean {
    return this.#reached.has('ready');
  }

  /** Whether a request that arrived then waited for this wake. */
  covers(arrivedMs: number): boolean {
    return arrivedMs >= this.#arrivedMs && !this.isPastFor(arrivedMs);
  }

  /** Whether a request that arrived then waits for a later wake. One that an endpoint refused is still of this one. */
  isPastFor(arrivedMs: number): boolean {
    return arrivedMs > this.#readyMs;
  }

  reach(phase: WakePhase, nowMs: number): void {
    if (this.#reached.has(phase)) return;
    this.#reached.add(phase);
    if (phase === 'ready') this.#readyMs = nowMs;
    this.#seconds[phase].observe((nowMs - this.#arrivedMs) / 1000);
  }
}
