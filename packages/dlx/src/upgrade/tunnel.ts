import type { Socket } from 'node:net';
import type { CancelTimer } from '@scaler/scaler-types';
import { GatheredBytes, WrittenChunks } from '../chunks/chunks.ts';
import type { OpenTunnel } from '../core.ts';
import type { UpstreamUser } from '../endpoints/upstreams.ts';
import { BaseAttempt } from '../exchange/attempt.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { stalledMs, Waiting } from '../ledger/stalls.ts';
import { causeText, type Outcome, outcomes } from '../outcome.ts';
import { type Breakable, type Guarded, listen, listenOnce, resetSocket, unlisten } from '../sockets/guard.ts';
import { bytesOf, Silence } from '../sockets/silence.ts';
import { goingAwayFrame, WebSocketFrames } from './web-socket-frames.ts';

/** One direction of a tunnel: what comes from one socket goes to the other, no faster than that one takes it. */
class Flow implements Breakable {
  readonly #owner: Breakable;
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #written: WrittenChunks;
  readonly #frames: WebSocketFrames | undefined;
  readonly #masked: boolean;
  #leaving = false;
  #ended = false;
  #onData: Guarded | undefined;

  /** `owner` ends if one of the two sends what makes this throw. `webSocket`: whom it leads to, if it is one. */
  constructor(owner: Breakable, from: Socket, to: Socket, webSocket: 'client' | 'server' | undefined) {
    this.#owner = owner;
    this.#from = from;
    this.#to = to;
    this.#written = WrittenChunks.to(to, this, this.#drained);
    this.#frames = webSocket === undefined ? undefined : new WebSocketFrames();
    this.#masked = webSocket === 'server';
  }

  /** `first` was read already. */
  start(first: Buffer): void {
    const from = this.#from;
    if (first.length > 0) this.#take(first);
    this.#onData = listen(from, 'data', this, this.#take);
    listen(from, 'end', this, this.#end);
    if (from.readableEnded) this.#end();
    else if (!this.#to.writableNeedDrain) from.resume();
  }

  /**
   * Ends it from our side, with a word of farewell where the protocol has one and as soon as it may be said; what still
   * comes is thrown away.
   */
  leave(): void {
    if (this.#ended || this.#leaving) return;
    this.#leaving = true;
    if (this.#frames?.atBoundary !== false) this.#sayGoodbye();
  }

  /** Its side has sent all that it will, by its end or, in a WebSocket, by its close frame. */
  get isOver(): boolean {
    return this.#ended || this.#frames?.closed === true;
  }

  broke(error: unknown): void {
    this.#owner.broke(error);
  }

  #take(chunk: Buffer): void {
    const passed = this.#frames?.pass(chunk, this.#leaving) ?? chunk.length;
    if (!this.#written.write(passed === chunk.length ? chunk : chunk.subarray(0, passed))) this.#from.pause();
    if (this.#leaving && this.#frames?.atBoundary === true) this.#sayGoodbye();
  }

  #drained(): void {
    this.#from.resume();
  }

  #sayGoodbye(): void {
    this.#written.flush();
    if (this.#frames?.closed === false) this.#to.write(goingAwayFrame(this.#masked));
    this.#end();
    unlisten(this.#from, 'data', this.#onData);
    this.#from.resume();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#written.flush();
    this.#to.end();
  }
}

/** A WebSocket whose client has said its last word is over, though its server does not end it, if nothing moves for so long. */
const overMs = 60_000;
/** Both sides have so long to answer our farewell. */
const farewellMs = 1000;

interface TunnelOptions {
  readonly x: Exchange;
  readonly client: Socket;
  readonly upstream: Socket;
  /** Names the upstream in details. */
  readonly key: string;
  /** Whether they speak WebSocket, whose frames are followed so that it can be ended in its own words. */
  readonly webSocket: boolean;
  /** Whether its end from our side is a reset. */
  readonly byReset: boolean;
  /** If neither side sends anything for so long, it ends. 0: it never ends so. */
  readonly idleTimeoutMs: number;
}

/**
 * A client's and an upstream's connection, joined. Each direction ends by itself; what one side resets is reset
 * towards the other. It is in flight, and an open stream, until both connections have closed.
 */
class Tunnel implements Breakable, OpenTunnel {
  readonly #x: Exchange;
  readonly #client: Socket;
  readonly #upstream: Socket;
  readonly #key: string;
  readonly #idleTimeoutMs: number;
  readonly #byReset: boolean;
  readonly #webSocket: boolean;
  readonly #silence = new Silence();
  readonly #downStall = new Silence();
  readonly #upStall = new Silence();
  readonly #down: Flow;
  readonly #up: Flow;
  #standing = 2;
  #cancelFarewell: CancelTimer | undefined;

  constructor({ x, client, upstream, key, webSocket, byReset, idleTimeoutMs }: TunnelOptions) {
    this.#x = x;
    this.#client = client;
    this.#upstream = upstream;
    this.#key = key;
    this.#idleTimeoutMs = idleTimeoutMs;
    this.#byReset = byReset;
    this.#webSocket = webSocket;
    this.#down = new Flow(this, upstream, client, webSocket ? 'client' : undefined);
    this.#up = new Flow(this, client, upstream, webSocket ? 'server' : undefined);
  }

  /** The bytes that each side sent already are for the other. */
  start(fromClient: Buffer, fromUpstream: Buffer): void {
    const { core } = this.#x;
    core.tunnels.add(this);
    this.#x.opened();
    this.#watch(this.#client, this.#upstream, (reason) => this.#end('client-gone', reason));
    this.#watch(this.#upstream, this.#client, (reason) => this.#end('upstream-reset', `${this.#key}: ${reason}`));
    this.#down.start(fromUpstream);
    this.#up.start(fromClient);
  }

  /** Ends it if neither side sent anything for too long; ask at every look. */
  look(nowMs: number): void {
    try {
      this.#endSilent(nowMs);
    } catch (error) {
      this.broke(error);
    }
  }

  #endSilent(nowMs: number): void {
    this.#countWaiting(nowMs);
    const forMs = this.#silence.forMs(bytesOf(this.#client) + bytesOf(this.#upstream), nowMs);
    if (this.#webSocket && forMs > overMs && this.#up.isOver) {
      this.leave('client-gone', `the client has ended, and ${this.#key} has sent nothing for ${Math.round(forMs)} ms`);
      return;
    }
    if (this.#idleTimeoutMs === 0 || forMs <= this.#idleTimeoutMs) return;
    this.leave('upstream-idle', `neither side sent anything for ${Math.round(forMs)} ms`);
  }

  /** Counts bytes that one side has sent and the other not taken; each way stands still by itself. */
  #countWaiting(nowMs: number): void {
    let waiting = 0;
    let client: boolean | undefined;
    for (const socket of [this.#client, this.#upstream]) {
      const { writableLength } = socket;
      waiting += writableLength + socket.readableLength;
      const stall = socket === this.#client ? this.#downStall : this.#upStall;
      const forMs = stall.forMs(socket.bytesWritten - writableLength, nowMs);
      if (writableLength > 0 && forMs >= stalledMs) client ??= socket === this.#client;
    }
    this.#x.buffers(waiting);
    if (client === undefined) return;
    const outcome = client ? 'client-gone' : 'upstream-idle';
    const reason = `${client ? 'the client' : this.#key} took nothing while memory was short`;
    new Waiting(this.#x).stands({ bytes: waiting, end: () => this.leave(outcome, reason) }, stalledMs);
  }

  /** Ends it from our side, as cleanly as the protocol allows. */
  leave(outcome: Outcome, detail: string): void {
    if (this.#cancelFarewell !== undefined) return;
    if (this.#byReset) {
      this.#end(outcome, detail);
      resetSocket(this.#client);
      resetSocket(this.#upstream);
      return;
    }
    this.#cancelFarewell = this.#x.core.clock.after(farewellMs, () => {
      this.#client.destroy();
      this.#upstream.destroy();
    });
    this.#down.leave();
    this.#up.leave();
    this.#end(outcome, detail);
  }

  /** Both sides are reset. */
  broke(error: unknown): void {
    const { core, lane } = this.#x;
    core.faults.report(error, 'request', lane?.gate.ref);
    this.#end('upstream-reset', `${this.#key}: what was sent cannot be passed on: ${causeText(error)}`);
    resetSocket(this.#client);
    resetSocket(this.#upstream);
  }

  #watch(socket: Socket, other: Socket, brokeOff: (reason: string) => void): void {
    listen(socket, 'error', this, (error: Error) => brokeOff(error.message));
    listenOnce(socket, 'close', this, () => {
      if (!socket.readableEnded || !socket.writableFinished) {
        brokeOff('closed before its time');
        if (!other.destroyed) resetSocket(other);
      }
      this.#standing -= 1;
      if (this.#standing === 0) this.#closed();
    });
  }

  #closed(): void {
    this.#cancelFarewell?.();
    this.#x.core.tunnels.delete(this);
    this.#end('forwarded');
  }

  /** The first end is the one that counts. */
  #end(outcome: Outcome, detail?: string): void {
    this.#x.end(outcome, outcomes[outcome].status || 101, detail);
  }
}

/** One try over a connection of its own, which may be joined to the client's: until then it ends as any other try. */
export abstract class TunnelAttempt extends BaseAttempt implements UpstreamUser {
  protected socket: Socket | undefined;
  /** From here on the tunnel's end is the request's. */
  joined = false;

  /** The connection stands. */
  protected abstract connected(socket: Socket): void;
  abstract silent(forMs: number): void;

  /** Joined, the tunnel is looked at by itself. */
  look(_nowMs: number): void {}

  dispatch(): void {
    this.socket = this.x.core.upstreams.open(this.state.endpoint, this, (error, socket) => {
      if (this.done) return;
      if (socket !== null) this.connected(socket);
      else this.fail(error, () => this.way.connectFailed(this.x, this.state, error));
    });
  }

  /** From here on what becomes of the two connections is the tunnel's. */
  protected join(client: Socket, upstream: Socket, how: Pick<TunnelOptions, 'webSocket' | 'byReset'>): Tunnel {
    this.joined = true;
    const { x, state, limits } = this;
    return new Tunnel({ x, client, upstream, key: state.key, idleTimeoutMs: limits.idleTimeoutMs, ...how });
  }

  override broke(error: unknown): void {
    super.broke(error);
    // Joined, it is not the attempt's to end any more.
    this.socket?.destroy();
  }

  protected drop(): void {
    this.socket?.destroy();
  }

  protected letGo(): void {
    this.socket?.destroy();
  }
}

/** Bytes that a client sends before it is joined are kept so far; beyond, it is no longer read, and its leaving not seen. */
const earlyBytes = 16_384;
/** A socket at a halt is read on by Node until 64 KiB wait in it, and the last read may bring as much again. */
const unreadBytes = 131_072;

/** A request whose connection may be joined to an endpoint's: until then it is read on, so that a client that leaves is noticed. */
export abstract class TunnelCarrier implements Breakable {
  readonly socket: Socket;
  /** What the client sent so far. */
  protected readonly early = new GatheredBytes();
  readonly #owner: Breakable;
  #x: Exchange | undefined;
  #onData: Guarded | undefined;
  #onEnd: Guarded | undefined;

  /** `owner` ends with it. */
  constructor(socket: Socket, owner: Breakable) {
    this.socket = socket;
    this.#owner = owner;
  }

  broke(error: unknown): void {
    this.#owner.broke(error);
  }

  reset(): void {
    resetSocket(this.socket);
  }

  /** Reads on, so that a client that leaves is noticed. `bytes` came behind the head. */
  readOn(bytes: Buffer): void {
    this.hear();
    // It may have been halted for the sake of requests before.
    this.socket.resume();
    if (bytes.length > 0) this.heard(bytes);
  }

  /** The client has ended its side. */
  protected abstract heardAll(): void;

  /** It is counted from now on, with what is kept of it. */
  protected begun(x: Exchange): void {
    this.#x = x;
    x.keeps(this.#keptBytes);
  }

  protected hear(): void {
    this.#onData = listen(this.socket, 'data', this, this.heard);
    this.#onEnd = listen(this.socket, 'end', this, this.heardAll);
  }

  protected heard(chunk: Buffer): void {
    this.early.add(chunk);
    if (this.early.length < earlyBytes) return;
    this.socket.pause();
    // It sends more than it was counted as.
    this.#x?.keeps(this.#keptBytes);
  }

  /** Keeps nothing more of what it sends. */
  protected stopHearing(): void {
    unlisten(this.socket, 'data', this.#onData);
  }

  /** Gives away the socket, at a halt, and what was read from it. */
  protected giveAway(): Buffer {
    this.stopHearing();
    unlisten(this.socket, 'end', this.#onEnd);
    this.socket.pause();
    return this.early.take();
  }

  get #keptBytes(): number {
    return this.early.length < earlyBytes ? earlyBytes : this.early.length + unreadBytes;
  }
}
