import type { Socket } from 'node:net';
import type { CancelTimer, TargetPort } from '@scaler/scaler-types';
import type { Core } from '../core.ts';
import { Exchange } from '../exchange/exchange.ts';
import { ignoreErrors } from '../sockets/guard.ts';
import { ClientConnection, type Handle } from '../accept/connection.ts';
import { bytesOf } from '../sockets/silence.ts';
import { TcpCarrier } from './tcp-carrier.ts';

/** Where the target does not declare who speaks first, a client that is silent for so long waits for the server. */
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
