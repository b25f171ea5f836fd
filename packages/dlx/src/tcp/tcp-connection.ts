import type { Socket } from 'node:net';
import type { CancelTimer, TargetPort } from '@scaler/scaler-types';
import { ClientConnection, type Handle } from '../accept/connection.ts';
import type { Core } from '../core.ts';
import { needsAnswer } from './dialect.ts';
import type { EndpointState } from '../endpoints/endpoint-state.ts';
import type { Carrier, OwnAnswer, Way } from '../exchange/carrier.ts';
import { Exchange } from '../exchange/exchange.ts';
import type { Refusal } from '../outcome.ts';
import { proxyHeader } from './proxy-header.ts';
import { guard, ignoreErrors, listenOnce, resetSocket } from '../sockets/guard.ts';
import { bytesOf } from '../sockets/silence.ts';
import { TunnelAttempt, TunnelCarrier } from '../upgrade/tunnel.ts';

/** An endpoint that takes bytes and sends none keeps other requests waiting for so long. */
const patienceMs = 1000;

/**
 * One raw connection on its way to one endpoint. As soon as a connection stands the two are joined, and from then on
 * nothing is tried again: what it means is theirs.
 */
class TcpAttempt extends TunnelAttempt {
  readonly #client: TcpCarrier;

  constructor(x: Exchange, client: TcpCarrier, way: Way<Exchange>, state: EndpointState) {
    super(x, way, state);
    this.#client = client;
  }

  override dispatch(): void {
    super.dispatch();
    if (this.socket !== undefined) this.#noteEnd(this.socket);
  }

  /**
   * Notes our end of a connection until it closes. Bytes carry no header that says by which gates they came, so a
   * connection that leads back into the DLX is known by the end that it comes from; else it would come back until no more
   * can be opened.
   */
  #noteEnd(socket: Socket): void {
    const { ownEnds } = this.x.core;
    const note = guard(this, () => {
      const { localAddress, localPort } = socket;
      if (localPort === undefined || socket.destroyed) return;
      const end = endOf(localAddress, localPort);
      if (ownEnds.has(end)) return;
      ownEnds.add(end);
      listenOnce(socket, 'close', this, () => void ownEnds.delete(end));
    });
    // On the same machine it is accepted before we hear that it stands. Node connects on the next tick to an address,
    // and after a lookup to a name.
    process.nextTick(note);
    listenOnce(socket, 'connect', this, note);
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
    this.sent();
    let heard = false;
    listenOnce(upstream, 'close', this, (hadError: boolean) => {
      if (!heard && hadError) this.state.brokeOff(this.x.core.clock.monotonic(), false);
      this.leavePlace();
    });
    const first = this.#client.release(this.way.port);
    // Half of a conversation must not look like all of it.
    const tunnel = this.join(this.#client.socket, upstream, { webSocket: false, byReset: true });
    tunnel.start(first, Buffer.alloc(0));
    listenOnce(upstream, 'data', this, () => {
      heard = true;
      this.answered();
    });
  }
}

function endOf(address: string | undefined, port: number | undefined): string {
  return `${address?.replace(/^::ffff:/, '')} ${port}`;
}

/** A raw connection, which counts as one request from its first byte to its end. */
export class TcpCarrier extends TunnelCarrier implements Carrier<Exchange> {
  readonly http = undefined;
  answering = false;
  #onFirst: (() => void) | undefined;

  /** Reads on, so that a client that leaves is noticed. `onFirst` is called with the first byte, unless it is there. */
  watch(onFirst?: () => void): void {
    this.#onFirst = onFirst;
    this.hear();
  }

  check(x: Exchange): Refusal | undefined {
    this.begun(x);
    const { remoteAddress, remotePort } = this.socket;
    if (!x.core.ownEnds.has(endOf(remoteAddress, remotePort))) return undefined;
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

  attempt(x: Exchange, way: Way<Exchange>, state: EndpointState): TcpAttempt {
    return new TcpAttempt(x, this, way, state);
  }

  /** It is joined: gives away the socket, at a halt, and what goes upstream before all else. */
  release({ proxyProtocol }: TargetPort): Buffer {
    this.answering = true;
    const header = proxyProtocol === undefined ? [] : [proxyHeader(proxyProtocol, this.socket)];
    return Buffer.concat([...header, this.giveAway()]);
  }

  protected override heard(chunk: Buffer): void {
    super.heard(chunk);
    const onFirst = this.#onFirst;
    this.#onFirst = undefined;
    onFirst?.();
  }

  /** A client that sent nothing has left. A client that sent all of its bytes may still listen. */
  protected heardAll(): void {
    if (this.early.length === 0 || needsAnswer(this.early.peek())) this.socket.destroy();
  }
}

/** Where the target does not declare who speaks first, or is asleep, a client that is silent for so long waits for the server. */
const graceMs = 100;
/** A peer that is gone without a word is asked for after so long. */
const keepAliveMs = 60_000;

/**
 * One client connection on a port that is not HTTP's. It is a request from its first byte on, so that a check of
 * the open port neither wakes nor counts.
 */
export class TcpConnection extends ClientConnection {
  readonly #carrier: TcpCarrier;
  #current: Exchange | undefined;
  #cancelGrace: CancelTimer | undefined;

  constructor(core: Core, handle: Handle, socket: Socket, port: number) {
    super(core, handle, socket, port, true);
    this.#carrier = new TcpCarrier(socket, this);
    socket.setKeepAlive(true, keepAliveMs);
    // 'close' follows.
    ignoreErrors(socket);
  }

  get isIdle(): boolean {
    return this.#current === undefined;
  }

  silentForMs(nowMs: number): number {
    return this.isIdle ? this.silence.forMs(bytesOf(this.socket), nowMs) : 0;
  }

  waitingBytes(): number {
    return this.isIdle ? this.socket.writableLength : 0;
  }

  broke(error: unknown): void {
    if (this.#current === undefined) this.core.faults.report(error, 'connection');
    else this.#current.broke(error);
    this.socket.destroy();
  }

  /** Admits it, now or as soon as it is known to want something. */
  start(speaksFirst: TargetPort['speaksFirst']): void {
    const admit = (): void => this.#admit();
    if (speaksFirst === 'server') {
      this.#carrier.watch();
      this.#admit();
      return;
    }
    this.#carrier.watch(admit);
    if (speaksFirst === 'client') return;
    // A process that was busy itself hears of a client that left only after its timers.
    this.#cancelGrace = this.core.clock.after(graceMs, () => setImmediate(admit));
  }

  done(): void {
    this.#current = undefined;
  }

  end(): void {
    this.socket.destroy();
  }

  override closed(): void {
    this.#cancelGrace?.();
    super.closed();
  }

  protected underWay(): Exchange[] {
    return this.#current === undefined ? [] : [this.#current];
  }

  #admit(): void {
    this.#cancelGrace?.();
    if (this.#current !== undefined || this.socket.destroyed) return;
    const x = new Exchange(this.core, this, this.#carrier);
    this.#current = x;
    this.handle(x);
  }
}
