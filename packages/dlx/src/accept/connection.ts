import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Core } from '../core.ts';
import type { Carrier, Channel, HttpRequest } from '../exchange/carrier.ts';
import { Exchange } from '../exchange/exchange.ts';
import { type Breakable, guard, heedErrors, ignoreErrors, listenOnce, replaceMethod } from '../sockets/guard.ts';
import { Silence } from '../sockets/silence.ts';
import { whenAnswered } from './when-answered.ts';
import { connectionBytes, overflowOf, pipelinedBytesOf } from '../ledger/ledger.ts';
import { plainAddress } from '../identify/directory.ts';
import type { Refusal } from '../outcome.ts';

/** While no more wait it is read on, so that a client that leaves is noticed. */
const readOn = 16;
/**
 * So many requests may be answered at once, without an endpoint, in one turn of the event loop: a read may bring thousands,
 * and each answer is a write.
 */
const mostAtOnce = 32;
/** So many may wait in one connection behind the one that is admitted. */
const mostPipelined = 512;
/** Bytes that a head may take that is not whole: 64 KiB, and the read that brought it there. */
const mostOfHead = 131_072;
/** A client has so long to read the last answer before its connection is closed for good. */
const lingerMs = 1000;

/** A request in HTTP/1, or one that asks to leave it. */
export interface Http1Request extends Carrier<Exchange>, HttpRequest {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
}

/** Takes each request that a connection admits. */
export type Handle = (x: Exchange) => void;

/** A client's connection, whatever it speaks. */
export abstract class ClientConnection implements Channel<Exchange>, Breakable {
  readonly socket: Socket;
  readonly port: number;
  readonly ownPort: boolean;
  readonly remoteAddress: string | undefined;
  readonly connectionBytes: number = connectionBytes;
  protected readonly core: Core;
  protected readonly handle: Handle;
  protected readonly silence = new Silence();

  constructor(core: Core, handle: Handle, socket: Socket, port: number, ownPort: boolean) {
    this.core = core;
    this.handle = handle;
    this.socket = socket;
    this.port = port;
    this.ownPort = ownPort;
    this.remoteAddress = socket.remoteAddress === undefined ? undefined : plainAddress(socket.remoteAddress);
  }

  /** Nothing is under way on it. */
  abstract get isIdle(): boolean;
  /** Milliseconds without a byte, where nothing else looks at that. */
  abstract silentForMs(nowMs: number): number;
  /**
   * Bytes that wait with nothing under way: of a head that is not whole, or of an answer that is not taken; ask at
   * each look.
   */
  abstract waitingBytes(): number;
  /** Ends it, with nothing under way. */
  abstract end(): void;
  abstract broke(error: unknown, about?: unknown): void;
  abstract done(x: Exchange): void;
  /** The requests that are under way on it. */
  protected abstract underWay(): Iterable<Exchange>;

  /** Asks the client to go elsewhere with what comes next, as far as its protocol can say so between two answers. */
  leave(): void {}

  /** Ends what is under way. */
  refuse(refusal: Refusal): void {
    for (const x of this.underWay()) {
      const { attempt } = x;
      x.refuse(refusal);
      attempt?.abort();
    }
  }

  /** Its socket closed. */
  closed(): void {
    for (const x of this.underWay()) if (x.attempt?.joined !== true) x.clientGone();
  }
}

/** One client connection in HTTP/1: admits one request at a time; those that a client pipelines wait in the socket. */
export class Connection extends ClientConnection {
  readonly #waiting: Http1Request[] = [];
  /** Bytes that come next are for the carrier that took it, no longer for the server. */
  #leftHttp = false;
  #current: Exchange | undefined;
  #advancing = false;
  /** Answered in this turn of the event loop as they were admitted. */
  #atOnce = 0;
  /** The next is admitted once what was written is taken. */
  #draining = false;
  #serving: Http1Request | undefined;
  #newest: Http1Request | undefined;
  #halting = false;
  /** Nothing more is taken from it. */
  #cut = false;
  /** Requests so far. */
  #admitted = 0;
  /** As it was at the last look, and what had been read by the first look after the newest request. */
  #admittedAtLook = 0;
  #readAtLook = 0;

  get isIdle(): boolean {
    return this.#current === undefined && this.#waiting.length === 0 && !this.#leftHttp;
  }

  /**
   * Milliseconds without a request under way, which has limits of its own, and without the client taking what is left of
   * an answer. The bytes of a head that does not end are no sign of life.
   */
  silentForMs(nowMs: number): number {
    if (this.isIdle) return this.silence.forMs(this.#admitted + this.socket.writableLength, nowMs);
    this.silence.restart();
    return 0;
  }

  waitingBytes(): number {
    const { socket } = this;
    if (!this.isIdle) return 0;
    const { bytesRead, writableLength } = socket;
    // A body that is still to come of a request that was answered early is thrown away as it comes.
    if (this.#admitted !== this.#admittedAtLook || this.#newest?.req.complete === false) {
      this.#admittedAtLook = this.#admitted;
      this.#readAtLook = bytesRead;
    }
    return writableLength + Math.min(mostOfHead, bytesRead - this.#readAtLook);
  }

  /** It ends, with the request that is under way on it. */
  broke(error: unknown): void {
    this.#cut = true;
    if (this.#current === undefined) this.core.faults.report(error, 'connection');
    else this.#current.broke(error);
    this.socket.destroySoon();
  }

  receive(carrier: Http1Request): void {
    if (this.#cut) return;
    if (this.#current === undefined && this.#waiting.length === 0 && this.#atOnce < mostAtOnce) {
      this.#newest = carrier;
      this.#admit(carrier);
      return;
    }
    const bytes = pipelinedBytesOf(carrier);
    const { accounting, settings } = this.core;
    const { pipelined } = accounting;
    const bounds = { holdLimitTotal: settings.holdLimitTotal, holdBytesTotal: accounting.ledger.holdBytesTotal(0) };
    const full = overflowOf(pipelined, [accounting, pipelined], bytes, bounds) !== undefined;
    if (full || this.#waiting.length >= mostPipelined) {
      this.#cutOff();
      return;
    }
    this.#newest = carrier;
    this.#waiting.push(carrier);
    this.#count(1, bytes);
    if (!this.#leftHttp && this.#waiting.length >= readOn) this.#halt();
  }

  /**
   * Node has let go of it behind the request that it read last; `then` is called once the answers before that one are out.
   * The caller reads on meanwhile: else a client that leaves is not noticed, and what it sent before goes upstream.
   */
  leaveHttp(then: () => void): void {
    // An error has no listener any more; 'close' follows.
    ignoreErrors(this.socket);
    this.#leftHttp = true;
    whenAnswered(this, then);
  }

  /** It goes on where Node had let go of it: the same connection, with all that is known of it. */
  returnToHttp(): void {
    heedErrors(this.socket);
    this.#leftHttp = false;
  }

  /** Throws away what comes, and notices a client that leaves. */
  discard(): void {
    const { socket } = this;
    listenOnce(socket, 'end', this, () => {
      if (this.#current !== undefined) socket.destroy();
    });
    socket.resume();
  }

  /** The current request has its outcome. */
  done(x: Exchange): void {
    if (this.#current !== x) return;
    this.#current = undefined;
    // Also of a client that left: nothing of it is sent on.
    if (this.#serving?.res.shouldKeepAlive === false || !this.socket.writable) this.#answeredLast();
    if (this.#waiting.length > 0) this.#advance();
  }

  /**
   * The bytes that come next make no sense. The requests before them are answered first, and then `refuse` is called
   * unless an answer has ended the connection; but a request whose own body it is that makes no sense is refused
   * itself.
   */
  garbled(code: string, refusal: Refusal, refuse: () => void): void {
    if (this.#cut) return;
    this.#cut = true;
    // A request with `Connection: close` is not the last. It is answered as the last, and the rest is not looked at.
    if (code === 'HPE_CLOSED_CONNECTION') return;
    if (this.#newest?.req.complete !== false) {
      this.#whenAnswered(this.#newest, refuse);
    } else if (this.#newest === this.#waiting.at(-1)) {
      this.#waiting.pop();
      this.#count(-1, pipelinedBytesOf(this.#newest));
      this.#whenAnswered(this.#waiting.at(-1) ?? this.#serving, refuse);
    } else if (this.#current === undefined) {
      // It has its answer.
      this.#whenAnswered(this.#newest, () => this.linger());
    } else if (code === 'HPE_INVALID_EOF_STATE') this.socket.destroy();
    else this.refuse(refusal);
  }

  /** Ends it, but leaves the client time to read the last answer: closed with bytes unread it would be reset. */
  linger(): void {
    const { socket } = this;
    if (socket.destroyed) return;
    socket.end();
    // A refused request may have a body that is not read.
    this.#serving?.req.resume();
    socket.resume();
    const cancel = this.core.clock.after(lingerMs, () => socket.destroy());
    listenOnce(socket, 'close', this, cancel);
  }

  end(): void {
    this.socket.end();
  }

  override closed(): void {
    this.#dropWaiting();
    super.closed();
  }

  protected underWay(): Exchange[] {
    return this.#current === undefined ? [] : [this.#current];
  }

  /** `Connection: close` was its answer: nothing that came behind it is served (RFC 9112 §9.6). */
  #answeredLast(): void {
    this.#cut = true;
    this.#dropWaiting();
    // Node's way to close after the answer.
    replaceMethod(this.socket, 'destroySoon', { owner: this, method: () => this.linger(), otherwise: undefined });
  }

  #whenAnswered(last: Http1Request | undefined, then: () => void): void {
    if (last === undefined || last.res.destroyed) then();
    else listenOnce(last.res, 'close', this, then);
  }

  #dropWaiting(): void {
    for (const carrier of this.#waiting.splice(0)) this.#count(-1, pipelinedBytesOf(carrier));
  }

  #admit(carrier: Http1Request): void {
    this.#admitted += 1;
    this.#serving = carrier;
    const x = new Exchange(this.core, this, carrier);
    this.#current = x;
    this.handle(x);
    if (this.#current === undefined) this.#answeredAtOnce();
  }

  #answeredAtOnce(): void {
    if (this.#atOnce === 0) {
      const next = (): void => {
        this.#atOnce = 0;
        if (this.#waiting.length > 0) this.#advance();
      };
      setImmediate(guard(this, next));
    }
    this.#atOnce += 1;
  }

  #advance(): void {
    // An answer that is given at once would call back into here, once per waiting request.
    if (this.#advancing) return;
    this.#advancing = true;
    while (this.#current === undefined && this.#atOnce < mostAtOnce && !this.#waitsForDrain()) {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      this.#count(-1, pipelinedBytesOf(next));
      if (!next.res.destroyed) this.#admit(next);
    }
    this.#advancing = false;
    if (this.#waiting.length === 0 && !this.#leftHttp && !this.#cut) this.socket.resume();
  }

  /** While the client has answers to take the next is not asked for: it would wait in our memory. */
  #waitsForDrain(): boolean {
    const { socket } = this;
    if (!socket.writableNeedDrain || socket.destroyed) return false;
    if (!this.#draining) {
      this.#draining = true;
      listenOnce(socket, 'drain', this, () => {
        this.#draining = false;
        this.#advance();
      });
    }
    return true;
  }

  #count(by: 1 | -1, bytes: number): void {
    const { pipelined } = this.core.accounting;
    pipelined.held += by;
    pipelined.heldBytes += by * bytes;
  }

  /**
   * Requests that were parsed already are kept, and no more is read: else one client makes thousands of requests at
   * once. Node reads on a tick after the end of each message; a halt before that would not last.
   */
  #halt(): void {
    if (this.#halting) return;
    this.#halting = true;
    const halt = guard(this, () => {
      this.#halting = false;
      if (!this.#leftHttp && (this.#waiting.length >= readOn || this.#cut)) this.socket.pause();
    });
    process.nextTick(process.nextTick, halt);
  }

  /**
   * More than may wait: it ends after the last one that may. HTTP has the client send the others again (RFC 9112 §9.3.2).
   */
  #cutOff(): void {
    this.#cut = true;
    this.#halt();
    // Of what else it has read already Node would make requests, and keep them: there is no public way to stop it.
    const { parser } = this.socket as { parser?: { onIncoming: () => number } };
    if (parser !== undefined) replaceMethod(parser, 'onIncoming', { owner: this, method: () => 0, otherwise: 0 });
    if (this.#newest !== undefined) listenOnce(this.#newest.res, 'close', this, this.linger);
  }
}
