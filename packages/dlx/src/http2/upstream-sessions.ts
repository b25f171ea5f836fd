import type { EndpointState } from '../endpoints/endpoint-state.ts';
import type { Faults } from '../ledger/faults.ts';
import { type SessionUser, UpstreamSession } from './upstream-session.ts';

/**
 * Connections in HTTP/2 to endpoints. Streams share one as far as its endpoint allows; then there is another. Each
 * belongs to an endpoint as the scaler listed it, so that an address which comes back as another pod gets new ones.
 */
export class UpstreamSessions {
  /** Sessions that take streams. */
  readonly #open = new Map<EndpointState, UpstreamSession[]>();
  readonly #all = new Set<UpstreamSession>();

  readonly #faults: Faults;

  constructor(faults: Faults) {
    this.#faults = faults;
  }

  get size(): number {
    return this.#all.size;
  }

  /** Calls the user once a session stands, or fails; at once if one stands. */
  acquire(state: EndpointState, user: SessionUser, connectTimeoutMs: number): void {
    const session = this.#open.get(state)?.find(({ hasRoom }) => hasRoom) ?? this.#create(state, connectTimeoutMs);
    session.users.add(user);
    user.session = session;
    if (session.ready) user.ready(session);
  }

  /** Its stream is closed, or it wants none any more. */
  release(user: SessionUser): void {
    user.session?.users.delete(user);
    user.session = undefined;
  }

  /** Closes idle ones to an endpoint. */
  discardIdle(key: string): void {
    for (const session of this.#all) if (session.state.key === key && session.users.size === 0) session.close();
  }

  look(nowMs: number): void {
    for (const session of this.#all) session.look(nowMs);
  }

  close(): void {
    for (const session of this.#all) session.destroy();
  }

  #create(state: EndpointState, connectTimeoutMs: number): UpstreamSession {
    const keeper = {
      surplus: (user: SessionUser) => this.acquire(state, user, connectTimeoutMs),
      full: () => this.#shut(session),
      closed: () => void this.#all.delete(session),
    };
    const session: UpstreamSession = new UpstreamSession(state, connectTimeoutMs, keeper, this.#faults);
    this.#all.add(session);
    const open = this.#open.get(state);
    if (open === undefined) this.#open.set(state, [session]);
    else open.push(session);
    return session;
  }

  #shut(session: UpstreamSession): void {
    const open = this.#open.get(session.state) ?? [];
    const rest = open.filter((other) => other !== session);
    if (rest.length > 0) this.#open.set(session.state, rest);
    else this.#open.delete(session.state);
  }
}
