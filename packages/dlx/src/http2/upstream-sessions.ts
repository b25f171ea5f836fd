import { type ClientHttp2Session, type ClientHttp2Stream, connect, type OutgoingHttpHeaders } from 'node:http2';
import { Socket } from 'node:net';
import type { EndpointState } from '../endpoints/endpoint-state.ts';
import { socketOptions } from '../endpoints/upstream-socket.ts';
import { connectWithin } from '../endpoints/upstreams.ts';
import type { Faults } from '../ledger/accounting.ts';
import { type Breakable, guard, listen, listenOnce } from '../sockets/guard.ts';
import { clientOptions } from './streams/options.ts';
import { SessionAnchor } from './streams/session-anchor.ts';
import { closeSession, destroySession } from './streams/stream-end.ts';

/** Streams on one session, however many its upstream takes: what waits in them must stay below Node's own bound. */
const mostStreams = 128;
/** A session without streams stands so long. */
const idleMs = 10_000;

/** A user of a session: it waits for a stream to an endpoint, or has one. */
export interface SessionUser {
  /** Where it waits or has its stream; kept by the sessions. */
  session: UpstreamSession | undefined;
  /** The session stands: open a stream on it. */
  ready(session: UpstreamSession): void;
  /** It does not; nothing was sent. `heard`: the endpoint sent something, but not how HTTP/2 begins. */
  unreachable(error: Error, heard: boolean): void;
  /** Time passes. */
  look(nowMs: number): void;
}

/**
 * One connection in HTTP/2 to an endpoint. It stands once the endpoint's SETTINGS have come: until then nothing is
 * sent, so that an endpoint which does not speak HTTP/2 or goes away costs no request.
 */
export class UpstreamSession implements Breakable {
  readonly state: EndpointState;
  /** Users that wait for it or have streams on it. */
  readonly users = new Set<SessionUser>();
  /** The highest stream that the endpoint took, by its GOAWAY. */
  lastStream = Number.POSITIVE_INFINITY;
  /** Has begun to answer a request. */
  served = false;
  readonly #socket: Socket;
  readonly #timeoutMs: number;
  readonly #sessions: UpstreamSessions;
  readonly #faults: Faults;
  #session: ClientHttp2Session | undefined;
  #anchor: SessionAnchor | undefined;
  #timer: NodeJS.Timeout | undefined;
  #idleSinceMs: number | undefined;
  ready = false;
  #ended = false;

  constructor(state: EndpointState, timeoutMs: number, sessions: UpstreamSessions, faults: Faults) {
    this.#faults = faults;
    this.state = state;
    this.#timeoutMs = timeoutMs;
    this.#sessions = sessions;
    const { address: host, port } = state.endpoint;
    // Its SETTINGS prove more than that it stands for a while.
    this.#socket = new Socket(socketOptions);
    const callback = (error: Error | null, socket: Socket | null): void => {
      if (error !== null) this.#failed(error);
      else if (!this.#ended && socket !== null) this.#connected(socket);
    };
    connectWithin(this.#socket, { host, port }, this, { timeoutMs, settleMs: 0, callback });
    listenOnce(this.#socket, 'close', this, () => sessions.closed(this));
  }

  /** Node or we threw at what its endpoint sent: it ends, with what is on it. */
  broke(error: unknown): void {
    this.#faults.report(error, 'connection');
    this.#failed(error instanceof Error ? error : new Error(String(error)));
    this.#socket.destroy();
  }

  get hasRoom(): boolean {
    // Node emits a session's 'close' a few turns after it takes no more streams.
    const leaving = this.#session?.closed === true || this.#session?.destroyed === true;
    return !this.#ended && !leaving && this.users.size < this.#room;
  }

  /** Whether the connection is gone, with whatever was on it. */
  get broken(): boolean {
    return this.#session?.destroyed !== false;
  }

  /** @throws when Node does not let these fields pass. */
  request(fields: OutgoingHttpHeaders, endStream: boolean): ClientHttp2Stream {
    // Without trailers to wait for, Node would end the body properly even when it resets the stream.
    const stream = (this.#session as ClientHttp2Session).request(fields, { endStream, waitForTrailers: !endStream });
    this.#anchor?.hold(stream);
    return stream;
  }

  /** Has its users look at the time. Without users it ends after a while, or at once if its endpoint is gone. */
  look(nowMs: number): void {
    for (const user of this.users) user.look(nowMs);
    if (this.users.size > 0) {
      this.#idleSinceMs = undefined;
      return;
    }
    this.#idleSinceMs ??= nowMs;
    if (this.state.gone || nowMs - this.#idleSinceMs > idleMs) this.close();
  }

  /** Takes no more streams, and ends with the last. */
  close(): void {
    this.#end();
    if (this.#session === undefined) this.#socket.destroy();
    else closeSession(this.#session);
  }

  destroy(): void {
    this.#end();
    this.#socket.destroy();
  }

  get #room(): number {
    if (!this.ready) return mostStreams;
    return Math.min(mostStreams, this.#session?.remoteSettings.maxConcurrentStreams ?? mostStreams);
  }

  #connected(socket: Socket): void {
    const { key } = this.state;
    const timeoutMs = this.#timeoutMs;
    // Each request sets the authority itself.
    const session = connect(`http://${key}`, { ...clientOptions, createConnection: () => socket });
    this.#session = session;
    this.#anchor = new SessionAnchor(session, this);
    let failure: Error | undefined;
    listen(session, 'error', this, (error: Error) => void (failure = error));
    listen(session, 'goaway', this, (_code: number, lastStream: number) => {
      this.lastStream = lastStream;
      this.#end();
    });
    listenOnce(session, 'close', this, () => this.#failed(failure ?? new Error(`${key} closed the connection`)));
    listenOnce(session, 'remoteSettings', this, this.#stands);
    const late = guard(this, () => {
      if (this.ready) return;
      failure = Object.assign(new Error(`no HTTP/2 from ${key} in ${timeoutMs} ms`), { code: 'ETIMEDOUT' });
      destroySession(session);
    });
    // A process that was busy itself hears of SETTINGS that came only after its timers.
    this.#timer = setTimeout(setImmediate, timeoutMs, late);
  }

  #stands(): void {
    if (this.#ended) return;
    clearTimeout(this.#timer);
    this.ready = true;
    const waiting = [...this.users];
    const room = this.#room;
    if (room === 0) {
      this.destroy();
      this.#failWaiting(new Error(`${this.state.key} takes no streams`), false);
      return;
    }
    for (const user of waiting.slice(room)) {
      this.users.delete(user);
      this.#sessions.acquire(this.state, user, this.#timeoutMs);
    }
    for (const user of waiting.slice(0, room)) user.ready(this);
  }

  /** Users that have streams hear of it by these. */
  #failed(error: Error): void {
    clearTimeout(this.#timer);
    this.#end();
    if (!this.ready) this.#failWaiting(error, this.#socket.bytesRead > 0);
  }

  #failWaiting(error: Error, heard: boolean): void {
    const waiting = [...this.users];
    this.users.clear();
    for (const user of waiting) user.unreachable(error, heard);
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#sessions.shut(this);
  }
}

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

  closed(session: UpstreamSession): void {
    this.#all.delete(session);
  }

  #create(state: EndpointState, connectTimeoutMs: number): UpstreamSession {
    const session = new UpstreamSession(state, connectTimeoutMs, this, this.#faults);
    this.#all.add(session);
    const open = this.#open.get(state);
    if (open === undefined) this.#open.set(state, [session]);
    else open.push(session);
    return session;
  }

  /** It takes no more streams. */
  shut(session: UpstreamSession): void {
    const open = this.#open.get(session.state) ?? [];
    const rest = open.filter((other) => other !== session);
    if (rest.length > 0) this.#open.set(session.state, rest);
    else this.#open.delete(session.state);
  }
}
