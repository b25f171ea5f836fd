/**
 * Lets a few begin in one turn of the event loop and the others in those that follow: what the first have sent is
 * on its way, and is answered, while the next are made ready. A hundred that begin at once all wait for the last.
 */
export class Turns {
  readonly #portion: number;
  #begun = 0;
  readonly #waiting: (() => void)[] = [];

  /** @param portion how many begin in one turn of the event loop. */
  constructor(portion: number) {
    this.#portion = portion;
  }

  /** Undefined: it is its turn. Else resolves once it is. */
  take(): Promise<void> | undefined {
    if (this.#begun === 0) setImmediate(() => this.#next());
    if (this.#begun >= this.#portion) return new Promise((resolve) => this.#waiting.push(resolve));
    this.#begun += 1;
    return undefined;
  }

  #next(): void {
    const turn = this.#waiting.splice(0, this.#portion);
    this.#begun = turn.length;
    if (turn.length > 0) setImmediate(() => this.#next());
    for (const begin of turn) begin();
  }
}
