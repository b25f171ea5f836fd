import { createHash } from 'node:crypto';
import type { PortRange } from './port-label.ts';

/** Which ports of a range are still free. Taking all of them costs about as many steps as there are. */
export class FreePorts {
  readonly #range: PortRange;
  /** From each port that is taken to one that may be free; `#size` stands for none. */
  readonly #next: Int32Array;
  #left: number;

  constructor(range: PortRange) {
    this.#range = range;
    this.#left = range.to - range.from + 1;
    this.#next = Int32Array.from({ length: this.#left + 1 }, (_, i) => i);
  }

  get left(): number {
    return this.#left;
  }

  has(port: number): boolean {
    const { from, to } = this.#range;
    return port >= from && port <= to && this.#next[port - from] === port - from;
  }

  take(port: number): void {
    if (!this.has(port)) return;
    const i = port - this.#range.from;
    this.#next[i] = i + 1;
    this.#left -= 1;
  }

  /**
   * The first that is free from a place of the target's own on: a port that was just given back is not the next one to
   * be given away, because some kube-proxy may not have heard yet.
   */
  nextFor(target: string): number | undefined {
    if (this.#left === 0) return undefined;
    const size = this.#next.length - 1;
    const start = createHash('sha256').update(target).digest().readUInt32BE() % size;
    const found = this.#find(start);
    return this.#range.from + (found < size ? found : this.#find(0));
  }

  #find(start: number): number {
    let found = start;
    while (this.#next[found] !== found) found = this.#next[found] as number;
    // The way is short for the next that asks.
    for (let i = start; i !== found;) {
      const after = this.#next[i] as number;
      this.#next[i] = found;
      i = after;
    }
    return found;
  }
}
