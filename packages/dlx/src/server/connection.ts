import type { Socket } from 'node:net';
import type { Core } from '../core.ts';
import type { Channel } from '../carrier.ts';
import { Exchange } from '../exchange.ts';
import type { Http1Carrier } from '../forward/http1-carrier.ts';
import { plainAddress } from '../identify/trust.ts';
import { Silence } from '../silence.ts';
import type { UpgradeCarrier } from '../upgrade/upgrade-carrier.ts';

/** What a connection tells of its requests. */
export type Handle = (x: Exchange) => void;

/** One client connection in HTTP/1: admits one request at a time; those that a client pipelines wait in the socket. */
export class Connection implements Channel {
  readonly socket: Socket;
  /** The port it came in on. */
  readonly port: number;
  /** Whether that port is one target's own. */
  readonly ownPort: boolean;
  readonly remoteAddress: string | undefined;
  readonly #core: Core;
  readonly #handle: Handle;
  readonly #waiting: (Http1Carrier | UpgradeCarrier)[] = [];
  /** What comes next on it is for whoever took it, no longer for the server. */
  leftHttp = false;
  #current: Exchange | undefined;
  #advancing = false;
  readonly #silence = new Silence();

  constructor(core: Core, handle: Handle, socket: Socket, port: number, ownPort: boolean) {
    this.#core = core;
    this.#handle = handle;
    this.socket = socket;
    this.port = port;
    this.ownPort = ownPort;
    this.remoteAddress = socket.remoteAddress === undefined ? undefined : plainAddress(socket.remoteAddress);
  }

  get current(): Exchange | undefined {
    return this.#current;
  }

  get isIdle(): boolean {
    return this.#current === undefined && this.#waiting.length === 0 && !this.leftHttp;
  }

  /** Milliseconds without a byte; held clients are silent by nature, and they and tunnels have limits of their own. */
  silentForMs(nowMs: number): number {
    const x = this.#current;
    if (x?.state !== 'held' && x?.attempt?.joined !== true) return this.#silence.forMs(this.socket, nowMs);
    this.#silence.restart();
    return 0;
  }

  receive(carrier: Http1Carrier | UpgradeCarrier): void {
    if (this.#current === undefined && this.#waiting.length === 0) {
      this.#admit(carrier);
      return;
    }
    // What was parsed already is kept, and no more is read: else one client makes thousands of requests at once.
    this.#waiting.push(carrier);
    if (!this.leftHttp) this.socket.pause();
  }

  /** The current request has its outcome. */
  done(x: Exchange): void {
    if (this.#current !== x) return;
    this.#current = undefined;
    if (this.#waiting.length > 0) this.#advance();
  }

  closed(): void {
    this.#waiting.length = 0;
    if (this.#current?.attempt?.joined !== true) this.#current?.clientGone();
  }

  #admit(carrier: Http1Carrier | UpgradeCarrier): void {
    const x = new Exchange(this.#core, this, carrier);
    this.#current = x;
    this.#handle(x);
  }

  #advance(): void {
    // An answer that is given at once would call back into here, once per waiting request.
    if (this.#advancing) return;
    this.#advancing = true;
    while (this.#current === undefined) {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      if (!next.res.destroyed) this.#admit(next);
    }
    this.#advancing = false;
    if (this.#waiting.length === 0 && !this.leftHttp) this.socket.resume();
  }
}
