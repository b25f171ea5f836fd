import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Core } from '../core.ts';
import { Exchange } from '../exchange.ts';
import { plainAddress } from '../identify/trust.ts';

interface Waiting {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly expectsContinue: boolean;
}

/** What a connection tells of its requests. */
export type Handle = (x: Exchange) => void;

/** One client connection: admits one request at a time; those that a client pipelines wait in the socket. */
export class Connection {
  readonly socket: Socket;
  /** The port it came in on. */
  readonly port: number;
  /** Whether that port is one target's own. */
  readonly ownPort: boolean;
  readonly remoteAddress: string | undefined;
  readonly #core: Core;
  readonly #handle: Handle;
  readonly #waiting: Waiting[] = [];
  #current: Exchange | undefined;
  #advancing = false;

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
    return this.#current === undefined && this.#waiting.length === 0;
  }

  receive(req: IncomingMessage, res: ServerResponse, expectsContinue: boolean): void {
    if (this.#current === undefined && this.#waiting.length === 0) {
      this.#admit(req, res, expectsContinue);
      return;
    }
    // What was parsed already is kept, and no more is read: else one client makes thousands of requests at once.
    this.#waiting.push({ req, res, expectsContinue });
    this.socket.pause();
  }

  /** The current request has its outcome. */
  done(x: Exchange): void {
    if (this.#current !== x) return;
    this.#current = undefined;
    if (this.#waiting.length > 0) this.#advance();
  }

  closed(): void {
    this.#waiting.length = 0;
    this.#current?.clientGone();
  }

  #admit(req: IncomingMessage, res: ServerResponse, expectsContinue: boolean): void {
    const x = new Exchange(this.#core, this, req, res, expectsContinue);
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
      if (!next.res.destroyed) this.#admit(next.req, next.res, next.expectsContinue);
    }
    this.#advancing = false;
    if (this.#waiting.length === 0) this.socket.resume();
  }
}
