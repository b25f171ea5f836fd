import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { CancelTimer } from '@scaler/scaler-types';
import { WrittenChunks } from '../chunks/chunks.ts';
import type { OpenTunnel } from '../core.ts';
import type { UpstreamUser } from '../endpoints/upstreams.ts';
import { BaseAttempt } from '../exchange/attempt.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { stalledMs, Waiting } from '../ledger/stalls.ts';
import { causeText, type Outcome, outcomes } from '../outcome.ts';
import { type Breakable, type Guarded, listen, listenOnce, resetSocket, unlisten } from '../sockets/guard.ts';
import { bytesOf, Silence } from '../sockets/silence.ts';

const closeOpcode = 8;
/** The longest header: two bytes, eight of length, four of mask. */
const headerBytes = 14;

/** Follows the frames that pass in one direction of a WebSocket, by their lengths only (RFC 6455 §5.2). */
export class WebSocketFrames {
  readonly #header = Buffer.alloc(headerBytes);
  #have = 0;
  #left = 0;
  #closed = false;

  /** Whether a frame of ours may come next. */
  get atBoundary(): boolean {
    return this.#have === 0 && this.#left === 0;
  }

  /** Whether a close frame has passed, after which none may come. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Follows a chunk, or as much of it as belongs to the frame that is under way; returns how much that was. */
  pass(chunk: Buffer, untilBoundary = false): number {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left === 0) this.#takeHeader(chunk[at++] as number);
      else {
        const taken = Math.min(this.#left, chunk.length - at);
        this.#left -= taken;
        at += taken;
      }
      if (untilBoundary && this.atBoundary) break;
    }
    return at;
  }

  #takeHeader(byte: number): void {
    const header = this.#header;
    header[this.#have++] = byte;
    if (this.#have < 2) return;
    const second = header[1] as number;
    const short = second & 0x7f;
    const lengthBytes = short === 127 ? 8 : short === 126 ? 2 : 0;
    if (this.#have < 2 + lengthBytes + ((second & 0x80) === 0 ? 0 : 4)) return;
    this.#have = 0;
    if (lengthBytes === 0) this.#left = short;
    else this.#left = lengthBytes === 2 ? header.readUInt16BE(2) : Number(header.readBigUInt64BE(2));
    if (((header[0] as number) & 0x0f) === closeOpcode) this.#closed = true;
  }
}

/** A close frame that says "going away" (1001); what goes to a server has to be masked. */
export function goingAwayFrame(masked: boolean): Buffer {
  const code = Buffer.from([0x03, 0xe9]);
  if (!masked) return Buffer.from([0x80 | closeOpcode, code.length, ...code]);
  const mask = randomBytes(4);
  const payload = code.map((byte, i) => byte ^ (mask[i] as number));
  return Buffer.from([0x80 | closeOpcode, 0x80 | code.length, ...mask, ...payload]);
}

export interface FlowOptions {
  /** Ends if one of the two sends what makes this throw. */
  readonly owner: Breakable;
  readonly from: Socket;
  readonly to: Socket;
  /** Undefined: it is no WebSocket. */
  readonly webSocket: { readonly towards: 'client' | 'server' } | undefined;
}

/** One direction of a tunnel: what comes from one socket goes to the other, no faster than that one takes it. */
export class Flow implements Breakable {
  readonly #owner: Breakable;
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #written: WrittenChunks;
  readonly #frames: WebSocketFrames | undefined;
  readonly #masked: boolean;
  #leaving = false;
  #ended = false;
  #onData: Guarded | undefined;

  constructor({ owner, from, to, webSocket }: FlowOptions) {
    this.#owner = owner;
    this.#from = from;
    this.#to = to;
    this.#written = WrittenChunks.to(to, this, this.#drained);
    this.#frames = webSocket === undefined ? undefined : new WebSocketFrames();
    this.#masked = webSocket?.towards === 'server';
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

/** Both sides have so long to answer our farewell. */
const farewellMs = 1000;

export interface TunnelOptions {
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
export class Tunnel implements Breakable, OpenTunnel {
  readonly #x: Exchange;
  readonly #client: Socket;
  readonly #upstream: Socket;
  readonly #key: string;
  readonly #idleTimeoutMs: number;
  readonly #byReset: boolean;
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
    const frames = (towards: 'client' | 'server') => (webSocket ? { towards } : undefined);
    this.#down = new Flow({ owner: this, from: upstream, to: client, webSocket: frames('client') });
    this.#up = new Flow({ owner: this, from: client, to: upstream, webSocket: frames('server') });
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
