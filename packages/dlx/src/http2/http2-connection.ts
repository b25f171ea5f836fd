import {
  constants,
  type IncomingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { ClientConnection, type Handle } from '../accept/connection.ts';
import type { ClientStream, StreamConnection } from './client-stream.ts';
import type { Core } from '../core.ts';
import { Exchange } from '../exchange/exchange.ts';
import { Http2Carrier } from './http2-carrier.ts';
import { guard, ignoreErrors, listen, listenOnce } from '../sockets/guard.ts';
import { bytesOf } from '../sockets/silence.ts';
import { rawFieldsOf } from './stream-head.ts';
import { serverOptions } from './streams/options.ts';
import { SessionAnchor } from './streams/session-anchor.ts';
import { closeSession, dropStream, resetStream } from './streams/stream-end.ts';

/**
 * A GOAWAY frame that ends nothing yet: the last stream is the highest that there can be (RFC 9113 §6.8). Written to the
 * socket as it is: nghttp2 would take it for the end, and ignore streams that the client opens until it has heard.
 * Node hands whole frames to the socket, so it comes between two of them.
 */
export const shutdownNotice = Buffer.from([0, 0, 8, 7, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]);

/** The memory of a session beside its connection (measured: 20 KB of the process's size, most of it outside of V8). */
const sessionBytes = 20_480;
/** The client has so long to acknowledge our farewell. */
const farewellMs = 1000;

/** One client connection in HTTP/2. Each of its streams is a request, and is held and forwarded by itself. */
export class Http2Connection extends ClientConnection implements StreamConnection {
  /** Its requests are many. */
  override readonly connectionBytes = 0;
  readonly #session: ServerHttp2Session;
  readonly #anchor: SessionAnchor;
  readonly #exchanges = new Set<Exchange>();
  #leaving = false;

  constructor(core: Core, handle: Handle, { socket, port, ownPort }: ClientConnection) {
    super(core, handle, socket, port, ownPort);
    // A client that ended its side can say nothing any more, not even that it takes our answers.
    socket.allowHalfOpen = false;
    this.#session = performServerHandshake(socket, serverOptions);
    // 'close' follows.
    ignoreErrors(this.#session);
    this.#anchor = new SessionAnchor(this.#session, this);
    listen(this.#session, 'stream', this, this.#receive);
    core.accounting.ledger.inFlight += sessionBytes;
  }

  get isIdle(): boolean {
    return this.#exchanges.size === 0;
  }

  /** Milliseconds without a byte; requests that are under way have limits of their own. */
  silentForMs(nowMs: number): number {
    if (this.isIdle) return this.silence.forMs(bytesOf(this.socket), nowMs);
    this.silence.restart();
    return 0;
  }

  /** Bytes that its session has still to send. */
  waitingBytes(): number {
    return this.isIdle && !this.#session.destroyed ? (this.#session.state.outboundQueueSize ?? 0) : 0;
  }

  done(x: Exchange): void {
    this.#exchanges.delete(x);
  }

  /**
   * Asks the client to go on elsewhere; what is under way is finished. In two steps (RFC 9113 §6.8), so that requests
   * which were under way to us when we asked are taken: Node's own first step would have it ignore them.
   */
  override leave(): void {
    const session = this.#session;
    if (this.#leaving || session.closed || session.destroyed) return;
    this.#leaving = true;
    this.socket.write(shutdownNotice);
    const close = (): void => {
      cancel();
      closeSession(session);
    };
    const cancel = this.core.clock.after(farewellMs, close);
    session.ping(guard(this, close));
  }

  end(): void {
    closeSession(this.#session);
  }

  override closed(): void {
    this.core.accounting.ledger.inFlight -= sessionBytes;
    super.closed();
  }

  protected underWay(): Iterable<Exchange> {
    return this.#exchanges;
  }

  /** One of its streams ends, or if that is not what it is about, all of it. */
  broke(error: unknown, about?: unknown): void {
    this.core.faults.report(error, 'connection');
    const stream = about as ServerHttp2Stream | undefined;
    // It is no request yet, or none any more.
    if (stream?.respond !== undefined) resetStream(stream, constants.NGHTTP2_INTERNAL_ERROR);
    else this.socket.destroy();
  }

  /** A request's stream sent what made us throw, before or after it was with an endpoint. */
  brokeOn(stream: ClientStream, error: unknown): void {
    for (const x of this.#exchanges) {
      if (!Object.is(x.carrier, stream)) continue;
      x.broke(error);
      return;
    }
    this.broke(error, stream.stream);
  }

  #receive(stream: ServerHttp2Stream, fields: IncomingHttpHeaders, flags: number, raw: readonly string[]): void {
    this.#anchor.hold(stream);
    // 'close' follows.
    ignoreErrors(stream);
    const bodiless = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    const { targetHeader } = this.core.settings;
    const x = new Exchange(
      this.core,
      this,
      new Http2Carrier(this, stream, rawFieldsOf(fields, raw), { bodiless, targetHeader }),
    );
    this.#exchanges.add(x);
    const gone = (): void => {
      x.clientGone();
      // Unread, it would not close.
      stream.resume();
      dropStream(stream);
    };
    if (stream.closed) {
      gone();
      return;
    }
    listenOnce(stream, 'close', x, gone);
    // Node emits it in the middle of our own resets, too, before these are booked.
    listenOnce(stream, 'aborted', x, () => process.nextTick(guard(x, gone)));
    this.handle(x);
  }
}
