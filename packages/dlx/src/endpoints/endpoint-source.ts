import type { Lane } from '../gate/lane.ts';
import { causeText } from '../outcome.ts';
import { endpointOf } from './endpoint-set.ts';

const firstPauseMs = 100;
const longestPauseMs = 2000;

/**
 * Keeps a lane's endpoints true: by `watchEndpoints` where the scaler has it, begun by the first arrival and kept for
 * a while after the last; else by `resolveServiceName`, asked anew after each wake.
 */
export class EndpointSource {
  readonly #lane: Lane;
  #watch: AbortController | undefined;
  #resolving = false;
  #usedAtMs = 0;
  /** Monotonic; the scaler, which failed when it was asked last, is not asked before. */
  #retryAtMs = 0;
  /** In a row. */
  #failures = 0;

  constructor(lane: Lane) {
    this.#lane = lane;
  }

  /** Somebody arrived; monotonic. */
  use(nowMs: number): void {
    const { gate } = this.#lane;
    this.#usedAtMs = nowMs;
    if (gate.core.scaler.watchEndpoints !== undefined) {
      if (this.#watch === undefined && nowMs >= this.#retryAtMs) this.#startWatch();
    } else if (this.#lane.endpoints.size === 0 && nowMs >= this.#retryAtMs && gate.isOpen()) this.#resolve();
  }

  /** A setScale resolved: whatever the name stood for may have changed. */
  refresh(): void {
    const { core } = this.#lane.gate;
    if (core.scaler.watchEndpoints !== undefined) {
      if (this.#watch === undefined && this.#lane.held > 0) this.use(core.clock.monotonic());
      return;
    }
    if (this.#lane.held === 0 && this.#lane.endpoints.size === 0) return;
    this.#lane.endpoints.replace([]);
    this.#resolve();
  }

  sweep(unusedSinceMs: number): void {
    if (this.#usedAtMs < unusedSinceMs) this.stop();
  }

  stop(): void {
    this.#watch?.abort();
    this.#watch = undefined;
    this.#lane.endpoints.replace([]);
  }

  #startWatch(): void {
    const { gate, target, endpoints } = this.#lane;
    const watch = new AbortController();
    this.#watch = watch;
    try {
      gate.core.scaler.watchEndpoints?.(
        target,
        (list) => {
          if (watch.signal.aborted) return;
          endpoints.replace(list);
          if (list.length > 0) gate.wake.serves();
          this.#lane.pump();
        },
        watch.signal,
      );
      this.#failures = 0;
    } catch (error) {
      watch.abort();
      this.#watch = undefined;
      this.#failed('watchEndpoints', error);
    }
  }

  /** The next request does not make it fail again at once. */
  #failed(member: string, error: unknown): void {
    const { gate, target } = this.#lane;
    const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** this.#failures++);
    this.#retryAtMs = gate.core.clock.monotonic() + pauseMs;
    gate.hindrance = causeText(error);
    gate.core.logger.warn(`${member} failed`, { ...gate.ref, service: target.service, err: error });
  }

  #resolve(): void {
    if (this.#resolving) return;
    this.#resolving = true;
    void this.#resolveNow();
  }

  async #resolveNow(): Promise<void> {
    const { gate, target, endpoints } = this.#lane;
    try {
      endpoints.replace([endpointOf(await gate.core.scaler.resolveServiceName(gate.ref, target.port))]);
      this.#failures = 0;
    } catch (error) {
      this.#failed('resolveServiceName', error);
    }
    this.#resolving = false;
    this.#lane.pump();
  }
}
