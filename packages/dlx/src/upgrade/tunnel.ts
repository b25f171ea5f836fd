import type { Socket } from 'node:net';
import type { CancelTimer } from '@scaler/scaler-types';
import type { OpenTunnel } from '../core.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { type Breakable, listen, listenOnce } from '../sockets/guard.ts';
import { stalledMs } from '../ledger/stalls.ts';
import { Waiting } from '../ledger/waiting.ts';
import { causeText, type Outcome, outcomes } from '../outcome.ts';
import { bytesOf, Silence } from '../sockets/silence.ts';
import { Flow } from './flow.ts';
import { resetSocket } from '../sockets/reset-socket.ts';

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
