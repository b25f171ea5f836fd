import { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Carrier } from '../carrier.ts';
import type { Exchange } from '../exchange.ts';
import type { EndpointState } from '../forward/endpoint-state.ts';
import { fieldsOf, type Head } from '../forward/head.ts';
import type { RawMessage } from '../forward/raw-message.ts';
import { checkRequest } from '../forward/request-check.ts';
import type { Lane } from '../hold/lane.ts';
import type { Refusal } from '../outcome.ts';
import { UpgradeAttempt } from './upgrade-attempt.ts';

/** What a client sends before it was answered is kept so far; beyond, it is no longer seen whether it leaves. */
const earlyBytes = 16_384;

/** A request that asks to leave HTTP, on a connection that Node has let go of. */
export class UpgradeCarrier implements Carrier {
  readonly req: RawMessage;
  readonly socket: Socket;
  readonly head: Head;
  /** The protocols, as they are offered to the upstream. */
  readonly offer: string;
  /** For an answer in HTTP. */
  readonly res: ServerResponse;
  readonly #linger: () => void;
  readonly #early: Buffer[] = [];
  #earlyLength = 0;
  #switched = false;

  /** `linger` ends the connection, and leaves the client time to read what it was told. */
  constructor(req: RawMessage, socket: Socket, offer: string, linger: () => void) {
    this.#linger = linger;
    this.req = req;
    this.socket = socket;
    this.head = req.head;
    this.offer = offer;
    this.res = new ServerResponse(req);
    // What it sent early must not be read as a next request, whoever sent it.
    this.res.shouldKeepAlive = false;
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
    return checkRequest(x, this.req);
  }

  answer(_x: Exchange, { status, fields, body }: { status: number; fields: string[]; body: Buffer | undefined }): void {
    this.respond().writeHead(status, fields).end(body);
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }

  attempt(x: Exchange, lane: Lane, state: EndpointState): UpgradeAttempt {
    return new UpgradeAttempt(x, this, lane, state);
  }

  /** Reads on, so that a client that leaves is noticed. `bytes` came behind the head. */
  watch(bytes: Buffer): void {
    // It may have been halted for the sake of requests before.
    this.socket.on('data', this.#onData).on('end', this.#onEnd).resume();
    this.#onData(bytes);
  }

  /** Makes ready for an answer in HTTP, after which the connection ends. */
  respond(): ServerResponse {
    const { res, socket } = this;
    this.#early.length = 0;
    socket.off('data', this.#onData).resume();
    const onDrain = (): void => void res.emit('drain');
    socket.on('drain', onDrain);
    res.assignSocket(socket);
    res.once('finish', () => {
      res.detachSocket(socket);
      socket.off('drain', onDrain);
      this.#linger();
    });
    return res;
  }

  /** The upstream goes over: gives away the socket, at a halt, and what was read from it. */
  release(): Buffer {
    this.#switched = true;
    this.socket.off('data', this.#onData).off('end', this.#onEnd).pause();
    return Buffer.concat(this.#early.splice(0));
  }

  readonly #onData = (chunk: Buffer): void => {
    if (chunk.length === 0) return;
    this.#early.push(chunk);
    this.#earlyLength += chunk.length;
    if (this.#earlyLength >= earlyBytes) this.socket.pause();
  };

  /** As from a client in HTTP: who no longer listens has left. */
  readonly #onEnd = (): void => {
    if (!this.res.writableEnded) this.socket.destroy();
  };
}
