import type { Socket } from 'node:net';
import type { TargetPort } from '@scaler/scaler-types';
import { GatheredBytes } from '../chunks/chunks.ts';
import { needsAnswer } from './dialect.ts';
import type { EndpointState } from '../endpoints/endpoint-state.ts';
import type { Carrier, OwnAnswer, Way } from '../exchange/carrier.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Refusal } from '../outcome.ts';
import { proxyHeader } from './proxy-header.ts';
import { type Breakable, type Guarded, listen, listenOnce, resetSocket, unlisten } from '../sockets/guard.ts';
import { Tunnel, TunnelAttempt } from '../upgrade/tunnel.ts';

/** An endpoint that takes bytes and sends none keeps other requests waiting for so long. */
const patienceMs = 1000;

/** The client's side of it. */
interface Client {
  readonly socket: Socket;
  /** Gives away the socket, at a halt, and what goes upstream before all else. */
  release(port: TargetPort): Buffer;
}

/**
 * One raw connection on its way to one endpoint. As soon as a connection stands the two are joined, and from then on
 * nothing is tried again: what it means is theirs.
 */
export class TcpAttempt extends TunnelAttempt {
  readonly #client: Client;

  constructor(x: Exchange, client: Client, way: Way<Exchange>, state: EndpointState) {
    super(x, way, state);
    this.#client = client;
  }

  override dispatch(): void {
    super.dispatch();
    if (this.socket !== undefined) this.x.core.ownEnds.add(this.socket, this);
  }

  silent(forMs: number): void {
    if (this.joined && forMs >= patienceMs) this.leavePlace();
  }

  protected connected(upstream: Socket): void {
    // It left, and 'close' follows.
    if (this.#client.socket.destroyed) {
      this.abort();
      return;
    }
    this.done = true;
    this.joined = true;
    this.sent();
    let heard = false;
    listenOnce(upstream, 'close', this, (hadError: boolean) => {
      if (!heard && hadError) this.state.brokeOff(this.x.core.clock.monotonic(), false);
      this.leavePlace();
    });
    const first = this.#client.release(this.way.port);
    const tunnel = new Tunnel({
      x: this.x,
      client: this.#client.socket,
      upstream,
      key: this.state.key,
      webSocket: false,
      // Half of a conversation must not look like all of it.
      byReset: true,
      idleTimeoutMs: this.limits.idleTimeoutMs,
    });
    tunnel.start(first, Buffer.alloc(0));
    listenOnce(upstream, 'data', this, () => {
      heard = true;
      this.answered();
    });
  }
}

/** Bytes that a client sends before it is joined are kept so far; beyond, it is no longer read, and its leaving not seen. */
const earlyBytes = 16_384;
/** A socket at a halt is read on by Node until 64 KiB wait in it, and the last read may bring as much again. */
const unreadBytes = 131_072;

/** A raw connection, which counts as one request from its first byte to its end. */
export class TcpCarrier implements Carrier<Exchange>, Breakable {
  readonly http = undefined;
  readonly socket: Socket;
  answering = false;
  readonly #owner: Breakable;
  readonly #early = new GatheredBytes();
  #onFirst: (() => void) | undefined;
  #x: Exchange | undefined;
  #onData: Guarded | undefined;
  #onEnd: Guarded | undefined;

  constructor(socket: Socket, owner: Breakable) {
    this.socket = socket;
    this.#owner = owner;
  }

  /** Reads on, so that a client that leaves is noticed. `onFirst` is called with the first byte, unless it is there. */
  watch(onFirst?: () => void): void {
    this.#onFirst = onFirst;
    this.#onData = listen(this.socket, 'data', this, this.#heard);
    this.#onEnd = listen(this.socket, 'end', this, this.#heardAll);
  }

  broke(error: unknown): void {
    this.#owner.broke(error);
  }

  check(x: Exchange): Refusal | undefined {
    this.#x = x;
    x.keeps(this.#keptBytes);
    if (!x.core.ownEnds.has(this.socket)) return undefined;
    return {
      outcome: 'no-route',
      status: 508,
      detail: `came back to port ${this.socket.localPort} from its own endpoint`,
    };
  }

  /** There are no words that every protocol knows: what is refused is reset, and a check of a sleeper just ended. */
  answer({ refusal }: OwnAnswer): void {
    if (refusal === undefined) this.socket.destroy();
    else resetSocket(this.socket);
  }

  reset(): void {
    resetSocket(this.socket);
  }

  attempt(x: Exchange, way: Way<Exchange>, state: EndpointState): TcpAttempt {
    return new TcpAttempt(x, this, way, state);
  }

  /** It is joined: gives away the socket, at a halt, and what goes upstream before all else. */
  release({ proxyProtocol }: TargetPort): Buffer {
    this.answering = true;
    unlisten(this.socket, 'data', this.#onData);
    unlisten(this.socket, 'end', this.#onEnd);
    this.socket.pause();
    const header = proxyProtocol === undefined ? [] : [proxyHeader(proxyProtocol, this.socket)];
    return Buffer.concat([...header, this.#early.take()]);
  }

  get #keptBytes(): number {
    return this.#early.length < earlyBytes ? earlyBytes : this.#early.length + unreadBytes;
  }

  #heard(chunk: Buffer): void {
    this.#early.add(chunk);
    if (this.#early.length >= earlyBytes) {
      this.socket.pause();
      // It sends more than it was counted as.
      this.#x?.keeps(this.#keptBytes);
    }
    const onFirst = this.#onFirst;
    this.#onFirst = undefined;
    onFirst?.();
  }

  /** A client that sent nothing has left. A client that sent all of its bytes may still listen. */
  #heardAll(): void {
    if (this.#early.length === 0 || needsAnswer(this.#early.peek())) this.socket.destroy();
  }
}
