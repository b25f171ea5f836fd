/** Measures how long a loop has not turned while its process was busy. */
export class BusyTurn {
  #beats = -1;
  #busyMs = 0;
  #cpuMs = 0;
  #nowMs = 0;

  /**
   * Milliseconds of CPU time since `beats` last changed; call it often. Between two calls the process's CPU time counts, but
   * no more than the time that has passed: a garbage collection has several threads at work.
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
