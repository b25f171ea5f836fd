/** Measures how long a loop has not turned while its process was busy. */
export class BusyTurn {
  #beats = -1;
  #busyMs = 0;
  #cpuMs = 0;
  #nowMs = 0;

  /**
   * Milliseconds since the first look at which `beats` was what it is now; ask often. Of the time between two looks what the
   * process had of the CPU counts, and no more than has passed: a collection has several threads at work.
   *
   * @param cpuMs of the process, all of its threads.
   * @param nowMs monotonic.
   */
  look(beats: number, cpuMs: number, nowMs: number): number {
    if (beats === this.#beats) this.#busyMs += Math.min(cpuMs - this.#cpuMs, nowMs - this.#nowMs);
    else this.#busyMs = 0;
    this.#beats = beats;
    this.#cpuMs = cpuMs;
    this.#nowMs = nowMs;
    return this.#busyMs;
  }
}
