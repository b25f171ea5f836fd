import type { Endpoint } from '@scaler/scaler-types';
import { ReleaseWindow } from '../hold/release-window.ts';

const failedForMs = [50, 100, 200, 400, 1000];

/** One address of a target, with what was learnt of it. */
export class EndpointState {
  /** `address:port`, with brackets around IPv6. */
  readonly key: string;
  endpoint: Endpoint;
  readonly window = new ReleaseWindow();
  /** Monotonic; left out until then, unless all are. */
  failedUntilMs = 0;
  /** Monotonic; when it last began an answer. */
  answeredAtMs: number | undefined;
  #failures = 0;

  constructor(key: string, endpoint: Endpoint) {
    this.key = key;
    this.endpoint = endpoint;
  }

  failed(nowMs: number): void {
    this.failedUntilMs = nowMs + (failedForMs[Math.min(this.#failures, failedForMs.length - 1)] as number);
    this.#failures += 1;
    this.window.failed();
  }

  answered(nowMs: number): void {
    this.#failures = 0;
    this.failedUntilMs = 0;
    this.answeredAtMs = nowMs;
  }
}

/** The usable endpoints of one target, taken in turn; those that just failed are skipped, but never the last one. */
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
    this.#list = [...next.values()];
  }

  /** The next in turn, or the one that failed longest ago; `not` only when there is no other. */
  pick(nowMs: number, not?: EndpointState): EndpointState | undefined {
    let soonest: EndpointState | undefined;
    for (let i = 0; i < this.#list.length; i++) {
      const state = this.#next();
      if (state === not) continue;
      if (state.failedUntilMs <= nowMs) return state;
      if (soonest === undefined || state.failedUntilMs < soonest.failedUntilMs) soonest = state;
    }
    return soonest ?? (this.#list.length > 0 ? not : undefined);
  }

  /** The next in turn that may be given a held request now. */
  pickForRelease(nowMs: number): EndpointState | undefined {
    for (let i = 0; i < this.#list.length; i++) {
      const state = this.#next();
      if (state.failedUntilMs <= nowMs && state.window.hasRoom) return state;
    }
    return undefined;
  }

  /** Milliseconds until the first of those that failed may be tried; undefined when none is left out. */
  failedForMs(nowMs: number): number | undefined {
    let soonest: number | undefined;
    for (const { failedUntilMs } of this.#list) {
      const waitMs = failedUntilMs - nowMs;
      if (waitMs > 0 && (soonest === undefined || waitMs < soonest)) soonest = waitMs;
    }
    return soonest;
  }

  /** Whether one of them is not left out. */
  isUsable(nowMs: number): boolean {
    return this.#list.some(({ failedUntilMs }) => failedUntilMs <= nowMs);
  }

  #next(): EndpointState {
    this.#cursor = (this.#cursor + 1) % this.#list.length;
    return this.#list[this.#cursor] as EndpointState;
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
