import { doublingMs } from '@scaler/async';
import type { Target } from '@scaler/scaler-types';
import type { Core } from '../core.ts';
import { causeText } from '../outcome.ts';
import { endpointOf, type EndpointSet } from './endpoint-set.ts';

const firstPauseMs = 100;
const longestPauseMs = 2000;

/** The way to a target whose endpoints are followed. */
export interface EndpointUser {
  readonly core: Pick<Core, 'scaler' | 'clock' | 'logger'>;
  readonly target: Target;
  readonly endpoints: EndpointSet;
  /** How many requests wait for an endpoint. */
  readonly held: number;
  isOpen(): boolean;
  /** The endpoints changed, or were asked for in vain. `serves`: the scaler lists one. */
  endpointsChanged(serves: boolean): void;
  /** The scaler cannot list them, for this reason. */
  endpointsUnknown(reason: string): void;
}

/**
 * Keeps a target's endpoints true: by `watchEndpoints` where the scaler has it, begun by the first arrival and kept for
 * a while after the last; else by `resolveServiceName`, asked anew after each wake.
 */
export class EndpointSource {
  readonly #user: EndpointUser;
  #watch: AbortController | undefined;
  #resolving = false;
  #usedAtMs = 0;
  /** Monotonic; the scaler, which failed when it was asked last, is not asked before. */
  #retryAtMs = 0;
  /** In a row. */
  #failures = 0;

  constructor(user: EndpointUser) {
    this.#user = user;
  }

  /** A request arrived; monotonic. */
  use(nowMs: number): void {
    const user = this.#user;
    this.#usedAtMs = nowMs;
    if (user.core.scaler.watchEndpoints !== undefined) {
      if (this.#watch === undefined && nowMs >= this.#retryAtMs) this.#startWatch();
    } else if (user.endpoints.size === 0 && nowMs >= this.#retryAtMs && user.isOpen()) this.#resolve();
  }

  /** A setScale resolved: whatever the name stood for may have changed. */
  refresh(): void {
    const { core } = this.#user;
    if (core.scaler.watchEndpoints !== undefined) {
      if (this.#watch === undefined && this.#user.held > 0) this.use(core.clock.monotonic());
      return;
    }
    if (this.#user.held === 0 && this.#user.endpoints.size === 0) return;
    this.#user.endpoints.replace([]);
    this.#resolve();
  }

  sweep(unusedSinceMs: number): void {
    if (this.#usedAtMs < unusedSinceMs) this.stop();
  }

  stop(): void {
    this.#watch?.abort();
    this.#watch = undefined;
    this.#user.endpoints.replace([]);
  }

  #startWatch(): void {
    const { core, target, endpoints } = this.#user;
    const watch = new AbortController();
    this.#watch = watch;
    try {
      core.scaler.watchEndpoints?.(
        target,
        (list) => {
          if (watch.signal.aborted) return;
          endpoints.replace(list);
          this.#user.endpointsChanged(list.length > 0);
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
    const { core, target } = this.#user;
    const pauseMs = doublingMs(++this.#failures, firstPauseMs, longestPauseMs);
    this.#retryAtMs = core.clock.monotonic() + pauseMs;
    this.#user.endpointsUnknown(causeText(error));
    core.logger.warn(`${member} failed`, { ...target.resource, service: target.service, err: error });
  }

  #resolve(): void {
    if (this.#resolving) return;
    this.#resolving = true;
    void this.#resolveNow();
  }

  async #resolveNow(): Promise<void> {
    const { core, target, endpoints } = this.#user;
    try {
      endpoints.replace([endpointOf(await core.scaler.resolveServiceName(target.resource, target.port))]);
      this.#failures = 0;
    } catch (error) {
      this.#failed('resolveServiceName', error);
    }
    this.#resolving = false;
    this.#user.endpointsChanged(false);
  }
}
