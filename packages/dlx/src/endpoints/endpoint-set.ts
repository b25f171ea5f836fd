import type { Endpoint } from '@scaler/scaler-types';
import { EndpointState } from './endpoint-state.ts';

/** The endpoints of one target, taken in turn; those that just failed are left out, but never the last one. */
export class EndpointSet {
  #list: EndpointState[] = [];
  #cursor = 0;

  get list(): readonly EndpointState[] {
    return this.#list;
  }

  get size(): number {
    return this.#list.length;
  }

  /** The whole list, as it is now. What was learnt of an instance is kept while it stays. */
  replace(endpoints: readonly Endpoint[]): void {
    const known = new Map(this.#list.map((state) => [state.key, state]));
    const next = new Map<string, EndpointState>();
    for (const endpoint of endpoints) {
      const key = endpointKey(endpoint);
      const state = known.get(key);
      if (state !== undefined && state.endpoint.id === endpoint.id) {
        state.endpoint = endpoint;
        next.set(key, state);
      } else next.set(key, new EndpointState(key, endpoint));
    }
    for (const state of this.#list) state.gone = next.get(state.key) !== state;
    this.#list = [...next.values()];
  }

  /**
   * The next in turn; when all are left out the one that can be tried first, unless a request tries it already.
   *
   * @param not is not wanted.
   */
  pick(nowMs: number, not?: EndpointState): EndpointState | undefined {
    return this.pickUsable(nowMs, not) ?? this.#soonest(not);
  }

  /** The next in turn that is not left out. */
  pickUsable(nowMs: number, not?: EndpointState): EndpointState | undefined {
    for (let i = 0; i < this.#list.length; i++) {
      const state = this.#next();
      if (state !== not && state.isUsable(nowMs)) return state;
    }
    return undefined;
  }

  /** The next in turn that may be given a held request now. */
  pickForRelease(nowMs: number): EndpointState | undefined {
    let usable = false;
    for (let i = 0; i < this.#list.length; i++) {
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
    for (const { failedUntilMs, retryAtMs } of this.#list) {
      const waitMs = (alone ? retryAtMs : failedUntilMs) - nowMs;
      if (waitMs > 0 && (soonest === undefined || waitMs < soonest)) soonest = waitMs;
    }
    return soonest;
  }

  /** Whether one of them is not left out. */
  isUsable(nowMs: number): boolean {
    return this.#list.some(({ failedUntilMs }) => failedUntilMs <= nowMs);
  }

  /** Whether another one is as good as any. */
  hasOther(nowMs: number, than: EndpointState): boolean {
    return this.#list.some((state) => state !== than && state.isUsable(nowMs));
  }

  #next(): EndpointState {
    this.#cursor = (this.#cursor + 1) % this.#list.length;
    return this.#list[this.#cursor] as EndpointState;
  }

  #soonest(not?: EndpointState): EndpointState | undefined {
    let soonest: EndpointState | undefined;
    for (const state of this.#list) {
      if (state === not || state.onTrial) continue;
      if (soonest === undefined || state.retryAtMs < soonest.retryAtMs) soonest = state;
    }
    return soonest;
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
