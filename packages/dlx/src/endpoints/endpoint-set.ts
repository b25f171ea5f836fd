import { doublingMs } from '@scaler/async';
import type { Endpoint, Target } from '@scaler/scaler-types';
import type { Core } from '../core.ts';
import { closeness } from './affinity.ts';
import { EndpointState } from './endpoint-state.ts';
import { causeText } from '../outcome.ts';

const firstPauseMs = 100;
const longestPauseMs = 2000;

/** The way to a target whose endpoints are followed. */
export interface EndpointUser {
  readonly core: Pick<Core, 'scaler' | 'clock' | 'logger'>;
  readonly target: Target;
  /** How many requests wait for an endpoint. */
  readonly held: number;
  isOpen(): boolean;
  /** The endpoints changed, or were asked for in vain. `serves`: the scaler lists one. */
  endpointsChanged(serves: boolean): void;
  /** The scaler cannot list them, for this reason. */
  endpointsUnknown(reason: string): void;
}

/**
 * The endpoints of one target, taken in turn; those that just failed are left out, but never the last one. They are kept
 * true by `watchEndpoints` where the scaler has it, begun by the first arrival and kept for a while after the last; else by
 * `resolveServiceName`, asked anew after each wake.
 */
export class EndpointSet {
  list: readonly EndpointState[] = [];
  #cursor = 0;
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

  get size(): number {
    return this.list.length;
  }

  /** The whole list, as it is now. What was learnt of an instance is kept while it stays. */
  replace(endpoints: readonly Endpoint[]): void {
    const known = new Map(this.list.map((state) => [state.key, state]));
    const next = new Map<string, EndpointState>();
    for (const endpoint of endpoints) {
      const key = endpointKey(endpoint);
      const state = known.get(key);
      if (state !== undefined && state.endpoint.id === endpoint.id) {
        state.endpoint = endpoint;
        next.set(key, state);
      } else next.set(key, new EndpointState(key, endpoint));
    }
    for (const state of this.list) state.gone = next.get(state.key) !== state;
    this.list = [...next.values()];
  }

  /**
   * The next in turn; when all are left out the one that can be tried first, unless a request tries it already.
   *
   * @param not is not wanted.
   * @param client is kept at the endpoint that is closest to it. Default: they take turns.
   */
  pick(nowMs: number, not?: EndpointState, client?: string): EndpointState | undefined {
    return this.pickUsable(nowMs, not, client) ?? this.#soonest(not);
  }

  /** The next in turn, or the client's, that is not left out. */
  pickUsable(nowMs: number, not?: EndpointState, client?: string): EndpointState | undefined {
    if (client !== undefined) return this.#closest(nowMs, client, not);
    for (let i = 0; i < this.list.length; i++) {
      const state = this.#next();
      if (state !== not && state.isUsable(nowMs)) return state;
    }
    return undefined;
  }

  /** The next in turn, or the client's, that may be given a held request now. */
  pickForRelease(nowMs: number, client?: string): EndpointState | undefined {
    const own = client === undefined ? undefined : this.#closest(nowMs, client);
    if (own !== undefined) return own.window.hasRoom ? own : undefined;
    let usable = false;
    for (let i = 0; i < this.list.length; i++) {
      const state = this.#next();
      if (!state.isUsable(nowMs)) continue;
      if (state.window.hasRoom) return state;
      usable = true;
    }
    if (usable) return undefined;
    const soonest = this.#soonest();
    if (soonest === undefined || soonest.retryAtMs > nowMs) return undefined;
    return soonest.refuses || soonest.window.hasRoom ? soonest : undefined;
  }

  /** Milliseconds until one that is left out may be tried; undefined when there is none to wait for. */
  waitMs(nowMs: number): number | undefined {
    const alone = !this.isUsable(nowMs);
    let soonest: number | undefined;
    for (const { failedUntilMs, retryAtMs } of this.list) {
      const waitMs = (alone ? retryAtMs : failedUntilMs) - nowMs;
      if (waitMs > 0 && (soonest === undefined || waitMs < soonest)) soonest = waitMs;
    }
    return soonest;
  }

  /** Whether one of them is not left out. */
  isUsable(nowMs: number): boolean {
    return this.list.some(({ failedUntilMs }) => failedUntilMs <= nowMs);
  }

  /** Whether another one is as good as any. */
  hasOther(nowMs: number, than: EndpointState): boolean {
    return this.list.some((state) => state !== than && state.isUsable(nowMs));
  }

  /** A request arrived; monotonic. */
  use(nowMs: number): void {
    const user = this.#user;
    this.#usedAtMs = nowMs;
    if (user.core.scaler.watchEndpoints !== undefined) {
      if (this.#watch === undefined && nowMs >= this.#retryAtMs) this.#startWatch();
    } else if (this.size === 0 && nowMs >= this.#retryAtMs && user.isOpen()) void this.#resolve();
  }

  /** A setScale resolved: whatever the name stood for may have changed. */
  refresh(): void {
    const { core } = this.#user;
    if (core.scaler.watchEndpoints !== undefined) {
      if (this.#watch === undefined && this.#user.held > 0) this.use(core.clock.monotonic());
      return;
    }
    if (this.#user.held === 0 && this.size === 0) return;
    this.replace([]);
    void this.#resolve();
  }

  sweep(unusedSinceMs: number): void {
    if (this.#usedAtMs < unusedSinceMs) this.stop();
  }

  stop(): void {
    this.#watch?.abort();
    this.#watch = undefined;
    this.replace([]);
  }

  #next(): EndpointState {
    this.#cursor = (this.#cursor + 1) % this.list.length;
    return this.list[this.#cursor] as EndpointState;
  }

  #closest(nowMs: number, client: string, not?: EndpointState): EndpointState | undefined {
    let closest: EndpointState | undefined;
    let most = -1;
    for (const state of this.list) {
      const near = closeness(client, state.key);
      if (near <= most || state === not || !state.isUsable(nowMs)) continue;
      [closest, most] = [state, near];
    }
    return closest;
  }

  #soonest(not?: EndpointState): EndpointState | undefined {
    let soonest: EndpointState | undefined;
    for (const state of this.list) {
      if (state === not || state.onTrial) continue;
      if (soonest === undefined || state.retryAtMs < soonest.retryAtMs) soonest = state;
    }
    return soonest;
  }

  #startWatch(): void {
    const { core, target } = this.#user;
    const watch = new AbortController();
    this.#watch = watch;
    try {
      core.scaler.watchEndpoints?.(
        target,
        (list) => {
          if (watch.signal.aborted) return;
          this.replace(list);
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

  async #resolve(): Promise<void> {
    if (this.#resolving) return;
    this.#resolving = true;
    const { core, target } = this.#user;
    try {
      this.replace([endpointOf(await core.scaler.resolveServiceName(target.resource, target.port))]);
      this.#failures = 0;
    } catch (error) {
      this.#failed('resolveServiceName', error);
    }
    this.#resolving = false;
    this.#user.endpointsChanged(false);
  }
}

function endpointKey({ address, port }: Endpoint): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/**
 * The endpoint in `host:port`, as `resolveServiceName` gives it.
 *
 * @throws when it is not one.
 */
export function endpointOf(hostPort: string): Endpoint {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:/\s]+)):(\d{1,5})$/.exec(hostPort);
  const port = Number(match?.[3]);
  if (match === null || port < 1 || port > 65_535) {
    throw new Error(`resolveServiceName answered "${hostPort}": host:port is wanted`);
  }
  return { address: (match[1] ?? match[2]) as string, port, id: hostPort };
}
