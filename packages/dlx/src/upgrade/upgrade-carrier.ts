import { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Carrier, HttpRequest, OwnAnswer, Way } from '../exchange/carrier.ts';
import { GatheredBytes } from '../chunks/gathered-bytes.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { EndpointState } from '../endpoints/endpoint-state.ts';
import { fieldsOf, type Head } from '../head/head.ts';
import { type Breakable, type Guarded, listen, listenOnce, unlisten } from '../sockets/guard.ts';
import type { RawMessage } from '../http1/raw-message.ts';
import { checkRequest } from '../http1/request-check.ts';
import type { Refusal } from '../outcome.ts';
import { UpgradeAttempt } from './upgrade-attempt.ts';
import { resetSocket } from '../sockets/reset-socket.ts';

/** Bytes that a client sends before it was answered are kept so far; beyond, its leaving is not seen. */
const earlyBytes = 16_384;
/** A socket at a halt is read on by Node until 64 KiB wait in it, and the last read may bring as much again. */
const unreadBytes = 131_072;

/** The connection that it came on. */
export interface UpgradeConnection extends Breakable {
  readonly socket: Socket;
  /** Ends it, but leaves the client time to read the last answer. */
  linger(): void;
}

/** A request that asks to leave HTTP, on a connection that Node has let go of. */
export class UpgradeCarrier implements Carrier<Exchange>, HttpRequest, Breakable {
  readonly req: RawMessage;
  readonly socket: Socket;
  readonly head: Head;
  path = '/';
  /** The protocols, as they are offered to the upstream. */
  readonly offer: string;
  /** For an answer in HTTP. */
  readonly res: ServerResponse;
  readonly #connection: UpgradeConnection;
  #onData: Guarded | undefined;
  #onEnd: Guarded | undefined;
  #responding = false;
  readonly #early = new GatheredBytes();
  #x: Exchange | undefined;
  #switched = false;

  constructor(req: RawMessage, connection: UpgradeConnection, offer: string) {
    this.#connection = connection;
    this.req = req;
    this.socket = connection.socket;
    this.head = req.head;
    this.offer = offer;
    this.res = new ServerResponse(req);
    // Bytes that it sent early must not be read as a next request.
    this.res.shouldKeepAlive = false;
  }

  get http(): this {
    return this;
  }

  get method(): string {
    return this.req.method as string;
  }

  get url(): string {
    return this.req.url as string;
  }

  get answering(): boolean {
    return this.#switched || this.res.headersSent;
  }

  fields(names: ReadonlySet<string>): ReadonlyMap<string, string> {
    return fieldsOf(this.req.rawHeaders, names);
  }

  check(x: Exchange): Refusal | undefined {
    this.#x = x;
    x.keeps(this.#keptBytes);
    return checkRequest(this, x.core.accounting.bounds, this.req);
  }

  answer({ status, fields, body }: OwnAnswer): void {
    this.respond()
      .writeHead(status, fields)
      .end(this.method === 'HEAD' ? undefined : body);
  }

  reset(): void {
    resetSocket(this.socket);
  }

  attempt(x: Exchange, way: Way<Exchange>, state: EndpointState): UpgradeAttempt {
    return new UpgradeAttempt(x, this, way, state);
  }

  /** Reads on, so that a client that leaves is noticed. `bytes` came behind the head. */
  watch(bytes: Buffer): void {
    // It may have been halted for the sake of requests before.
    this.#onData = listen(this.socket, 'data', this, this.#heard);
    this.#onEnd = listen(this.socket, 'end', this, this.#heardAll);
    this.socket.resume();
    this.#heard(bytes);
  }

  broke(error: unknown): void {
    this.#connection.broke(error);
  }

  /** Makes ready for an answer in HTTP, after which the connection ends. */
  respond(): ServerResponse {
    const { res, socket } = this;
    // An answer that could not be begun is followed by one of our own.
    if (this.#responding) return res;
    this.#responding = true;
    this.#early.take();
    unlisten(socket, 'data', this.#onData);
    socket.resume();
    const onDrain = listen(socket, 'drain', this, () => void res.emit('drain'));
    res.assignSocket(socket);
    listenOnce(res, 'finish', this, () => {
      res.detachSocket(socket);
      socket.off('drain', onDrain);
      this.#connection.linger();
    });
    return res;
  }

  /** The upstream goes over: gives away the socket, at a halt, and what was read from it. */
  release(): Buffer {
    this.#switched = true;
    unlisten(this.socket, 'data', this.#onData);
    unlisten(this.socket, 'end', this.#onEnd);
    this.socket.pause();
    return this.#early.take();
  }

  get #keptBytes(): number {
    return this.#early.length < earlyBytes ? earlyBytes : this.#early.length + unreadBytes;
  }

  #heard(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#early.add(chunk);
    if (this.#early.length >= earlyBytes) this.socket.pause();
    this.#x?.keeps(this.#keptBytes);
  }

  /** As in HTTP: a client that no longer listens has left. */
  #heardAll(): void {
    if (!this.res.writableEnded) this.socket.destroy();
  }
}
