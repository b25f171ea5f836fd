/** A time in which a workload was not used at all. */
export interface Spell {
  /** Whether the use right before had lasted longer than the window. */
  readonly afterLong: boolean;
  readonly fromMs: number;
  readonly toMs: number;
  /** When a park began in it. */
  readonly parkedMs: number | undefined;
}

/** The true use of one workload, as its clients know it. */
export class Usage {
  readonly spells: Spell[] = [];
  /** Parks that began while it was used. */
  parkedInUse = 0;
  readonly #windowMs: number;
  #inUse = 0;
  #from: { ms: number; afterLong: boolean } | undefined;
  #parkedMs: number | undefined;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  begin(nowMs: number): void {
    this.#inUse += 1;
    this.close(nowMs);
  }

  end(nowMs: number, tookMs: number): void {
    this.#inUse -= 1;
    if (this.#inUse === 0) this.#from = { ms: nowMs, afterLong: tookMs >= this.#windowMs };
  }

  parkBegins(nowMs: number): void {
    if (this.#inUse > 0) this.parkedInUse += 1;
    else this.#parkedMs ??= nowMs;
  }

  /** Ends the present spell. */
  close(nowMs: number): void {
    const from = this.#from;
    if (from) this.spells.push({ fromMs: from.ms, afterLong: from.afterLong, toMs: nowMs, parkedMs: this.#parkedMs });
    this.#from = undefined;
    this.#parkedMs = undefined;
  }
}
