import { createServer, IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import type { TargetPort } from '@scaler/scaler-types';
import { fastify, type FastifyInstance } from 'fastify';
import { Admission } from './admission.ts';
import { type ClientConnection, Connection, type Handle } from './connection.ts';
import type { Core } from '../core.ts';
import type { Directory } from '../identify/directory.ts';
import { Http1Carrier } from '../http1/http1-carrier.ts';
import { bad, type RawMessage, rawMessageClass, RawResponse } from '../http1/raw-message.ts';
import { type ParseError, refusalOf } from '../http1/unparsed.ts';
import { Http2Connection } from '../http2/http2-connection.ts';
import { outcomes, type Refusal } from '../outcome.ts';
import { type Breakable, guard, heedErrors, ignoreErrors, listen, listenOnce } from '../sockets/guard.ts';
import { dialectOf } from '../tcp/dialect.ts';
import { TcpConnection } from '../tcp/tcp-connection.ts';
import { Turns } from '../wake/wake-limits.ts';
import { IgnoredOffer } from '../upgrade/ignored-offer.ts';
import { offerOf } from '../upgrade/offer.ts';
import { UpgradeCarrier } from '../upgrade/upgrade-carrier.ts';

/** The protocol that a connection speaks. */
type Spoken = 'http1' | 'http2' | 'tcp';

/** How every connection in HTTP/2 begins, as far as is needed; no HTTP/1 request can begin so. */
const preface = Buffer.from('PRI * HTTP/2.0');

/**
 * Finds what a connection speaks by its first bytes, which are left unread; `tcp` only where it `sniffs`. A connection
 * that ends or breaks before that is closed, without a call.
 */
function peek(
  owner: Breakable & { readonly socket: Socket },
  sniffs: boolean,
  onSpoken: (spoken: Spoken) => void,
): void {
  const { socket } = owner;
  let seen: Buffer | undefined;
  const look = listen(socket, 'readable', owner, () => {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return;
    seen = seen === undefined ? chunk : Buffer.concat([seen, chunk]);
    const spoken = spokenBy(seen, sniffs);
    if (spoken === undefined) return;
    socket.off('readable', look).off('end', end);
    heedErrors(socket);
    socket.unshift(seen);
    onSpoken(spoken);
  });
  const end = listen(socket, 'end', owner, () => void socket.end());
  ignoreErrors(socket);
}

/** Undefined: too few bytes. */
function spokenBy(seen: Buffer, sniffs: boolean): Spoken | undefined {
  const known = Math.min(seen.length, preface.length);
  if (seen.compare(preface, 0, known, 0, known) === 0) return known < preface.length ? undefined : 'http2';
  const dialect = sniffs ? dialectOf(seen) : undefined;
  if (dialect === 'more') return undefined;
  return dialect === undefined ? 'http1' : 'tcp';
}

const connectionOf = Symbol('connection');
type Held = Socket & { [connectionOf]?: Connection };

/** Looked at so often at the least, where clients may be silent for longer, or for ever. */
const longestLookMs = 75_000;
/**
 * Connections that close: to end the request on one takes a quarter of a millisecond, and a client may close a
 * thousand at once.
 */
const endingsPerTurn = 50;
/** A limit is met this part of it late. */
const looksPerLimit = 32;
export const backlog = 4096;
/** Of a request's head; as much as an endpoint's answer may have. */
const maxHeaderSize = 65_536;

/**
 * The one HTTP server of all data ports. fastify owns its life; the requests are taken before fastify's router, which
 * costs half of the throughput and knows nothing that a proxy needs.
 */
export class DataServer implements Breakable {
  readonly connections = new Set<ClientConnection>();
  readonly #core: Core;
  readonly #handle: Handle;
  readonly #directory: Directory;
  readonly #admission: Admission;
  readonly #endings = new Turns(endingsPerTurn);
  readonly #app: FastifyInstance;
  #server: Server | undefined;
  /** Monotonic. */
  #lookAtMs = 0;
  /** Node's own taking of a connection in HTTP/1. */
  #speakHttp1: (socket: Socket) => void = () => {};

  constructor(core: Core, handle: Handle, directory: Directory) {
    this.#core = core;
    this.#handle = handle;
    this.#directory = directory;
    this.#admission = new Admission(core, directory);
    this.#app = fastify({
      serverFactory: () => (this.#server = this.#createServer()),
      // fastify's own would answer beside ours, and close at once.
      clientErrorHandler: guard(this, this.#clientError),
      logger: false,
    });
  }

  /** Listens on the shared port and returns it. */
  async listen(host: string, port: number): Promise<number> {
    await this.#app.listen({ host, port, backlog });
    const address = this.#app.server.address();
    return typeof address === 'object' && address !== null ? address.port : port;
  }

  /** Takes a connection that came in on a target's own port. */
  accept(socket: Socket, port: number): void {
    if (!this.#admission.lets(socket, port, this)) return;
    const lane = this.#directory.byPort(port);
    const declared = lane?.port;
    if (declared?.protocol === 'tcp') this.#takeTcp(socket, port, declared.speaksFirst, lane?.isOpen());
    else this.#arrived(socket, port, { ownPort: true, sniffs: declared?.protocol === undefined });
  }

  /** One connection ends: the socket, or the one that the request came on. */
  broke(error: unknown, about: unknown): void {
    const socket = (about instanceof IncomingMessage ? about.socket : about) as Held | undefined;
    const connection = socket?.[connectionOf];
    if (connection !== undefined) connection.broke(error);
    else {
      this.#core.faults.report(error, 'connection');
      socket?.destroy?.();
    }
  }

  /** A port's server could not take a connection; it goes on. */
  acceptFailed(error: unknown): void {
    this.#admission.acceptFailed(error);
  }

  /** No more connections on the shared port; those that stand go on. */
  stopAccepting(): void {
    // http's own close() would end idle connections, on which a request may be under way to us.
    if (this.#server?.listening === true) NetServer.prototype.close.call(this.#server);
  }

  /** Ends connections with nothing under way. */
  endIdle(): void {
    for (const connection of this.connections) if (connection.isIdle) connection.end();
  }

  /** Asks clients to go elsewhere, as far as their protocol can say so at any time. */
  leave(): void {
    for (const connection of this.connections) connection.leave();
  }

  /** Looks after all that may be silent or stand still; returns whether there is anything left to look at. */
  look(nowMs: number): boolean {
    const { upstreams, sessions, tunnels, accounting } = this.#core;
    this.#endSilent(nowMs);
    upstreams.endSilent(nowMs);
    sessions.look(nowMs);
    for (const tunnel of tunnels) tunnel.look(nowMs);
    accounting.stalls.settle();
    return this.connections.size + upstreams.size + sessions.size + tunnels.size > 0;
  }

  /**
   * Ends connections that had no request for too long, or did not take the end of an answer. To look at ten thousand
   * takes 10 ms: it is done as seldom as the limits allow.
   */
  #endSilent(nowMs: number): void {
    if (nowMs < this.#lookAtMs) return;
    const { idleTimeoutMs, clientIdleTimeoutMs } = this.#core.settings;
    const { ledger } = this.#core.accounting;
    const shortestMs = Math.min(idleTimeoutMs || longestLookMs, clientIdleTimeoutMs || longestLookMs, longestLookMs);
    this.#lookAtMs = ledger.isBusy ? nowMs : nowMs + shortestMs / looksPerLimit;
    for (const connection of this.connections) {
      const { socket } = connection;
      const limitMs = socket.writableLength > 0 ? idleTimeoutMs : clientIdleTimeoutMs;
      const silentMs = connection.silentForMs(nowMs);
      if (silentMs > limitMs && limitMs > 0) socket.destroy();
      else this.#admission.look(connection, silentMs);
    }
  }

  async close(): Promise<void> {
    for (const { socket } of this.connections) socket.destroy();
    await this.#app.close();
  }

  #createServer(): Server {
    const server = createServer({
      // Node would answer 400 by itself, uncounted.
      requireHostHeader: false,
      maxHeaderSize,
      requestTimeout: 0,
      // Node's timers are set and cleared with each message; `endSilent` does their work.
      keepAliveTimeout: 0,
      optimizeEmptyRequests: true,
      IncomingMessage: rawMessageClass(this.#core.settings.targetHeader),
      ServerResponse: RawResponse as typeof ServerResponse,
      keepAlive: true,
      keepAliveInitialDelay: 60_000,
    });
    const receive = (req: IncomingMessage, res: ServerResponse, expectsContinue: boolean): void => {
      (req.socket as Held)[connectionOf]?.receive(
        new Http1Carrier(req as RawMessage, res as RawResponse, expectsContinue),
      );
    };
    // Node leaves out what is beyond 1000 fields; a Content-Length among them would be one. Their size is bounded.
    server.maxHeadersCount = 0;
    // Node's list of connections, kept in order of their newest message for limits that `endSilent` looks after, takes a
    // tenth of what a small request costs.
    server.removeAllListeners('listening');
    for (const listener of server.listeners('connection')) this.#speakHttp1 = listener.bind(server);
    server.removeAllListeners('connection');
    // Of a connection that could not be accepted; fastify reports that it cannot listen.
    ignoreErrors(server);
    listen(server, 'connection', this, (socket: Socket) => {
      const port = socket.localPort ?? 0;
      if (this.#admission.lets(socket, port, this)) this.#arrived(socket, port, { ownPort: false, sniffs: false });
    });
    listen(server, 'error', this, (error: NodeJS.ErrnoException) => {
      // The caller of listen() gets the error that it cannot listen.
      if (error.syscall === 'accept') this.acceptFailed(error);
    });
    listen(server, 'request', this, (req: IncomingMessage, res: ServerResponse) => receive(req, res, false));
    for (const event of ['checkContinue', 'checkExpectation']) {
      listen(server, event, this, (req: IncomingMessage, res: ServerResponse) => receive(req, res, true));
    }
    listen(server, 'upgrade', this, this.#takeOffer);
    listen(server, 'connect', this, (_req: RawMessage, socket: Held) => {
      const connection = socket[connectionOf];
      if (connection === undefined) return;
      connection.discard();
      connection.leaveHttp(() => this.#refuseRaw(connection, bad('CONNECT is not supported', 501)));
    });
    return server;
  }

  /** Node has let go of the connection of a request that offers to leave HTTP; `bytes` came behind its head. */
  #takeOffer(req: RawMessage, socket: Held, bytes: Buffer): void {
    const connection = socket[connectionOf];
    if (connection === undefined) {
      socket.destroy();
      return;
    }
    const offer = offerOf(req);
    if (offer !== undefined) {
      const carrier = new UpgradeCarrier(req, connection, offer);
      carrier.readOn(bytes);
      connection.leaveHttp(() => connection.receive(carrier));
      return;
    }
    const ignored = new IgnoredOffer(req, connection);
    ignored.readOn(bytes);
    connection.leaveHttp(() => {
      connection.returnToHttp();
      ignored.replay(this.#speakHttp1);
    });
  }

  /** Protocols that are not declared come in on the same ports; the first bytes show which it is. */
  #arrived(socket: Held, port: number, { ownPort, sniffs }: { ownPort: boolean; sniffs: boolean }): void {
    // It was reset before we took it: no client waits for an answer.
    if (socket.remoteAddress === undefined) {
      socket.destroy();
      return;
    }
    const connection = new Connection(this.#core, this.#handle, socket, port, ownPort);
    socket[connectionOf] = connection;
    this.#track(connection);
    peek(connection, sniffs, (spoken) => {
      if (spoken === 'http1') {
        this.#speakHttp1(socket);
        return;
      }
      this.connections.delete(connection);
      if (spoken === 'tcp') this.#takeTcp(socket, port, 'client');
      else this.#track(new Http2Connection(this.#core, this.#handle, connection));
    });
  }

  #takeTcp(socket: Socket, port: number, speaksFirst: TargetPort['speaksFirst'], isOpen = false): void {
    if (socket.remoteAddress === undefined) {
      socket.destroy();
      return;
    }
    const connection = new TcpConnection(this.#core, this.#handle, socket, port);
    this.#track(connection);
    // A check of the open port has left before a wake could be over: who waits for one loses nothing by the grace.
    connection.start(speaksFirst === 'server' && !isOpen ? undefined : speaksFirst);
  }

  #track(connection: ClientConnection): void {
    this.connections.add(connection);
    this.#core.silence.arrived();
    listenOnce(connection.socket, 'close', connection, () => {
      this.connections.delete(connection);
      const turn = this.#endings.take();
      if (turn === undefined) connection.closed();
      else void turn.then(guard(connection, connection.closed));
    });
  }

  /** A request that Node's parser refuses never becomes one of ours; it is counted all the same. */
  #clientError(error: ParseError, socket: Held): void {
    const connection = socket[connectionOf];
    const { code = '' } = error;
    if (!code.startsWith('HPE_') || connection === undefined) {
      socket.destroy();
      return;
    }
    const refusal = refusalOf(error);
    connection.garbled(code, refusal, () => this.#refuseRaw(connection, refusal));
  }

  #refuseRaw(connection: Connection, { status = 400, detail }: Refusal): void {
    const { socket } = connection;
    if (!socket.writable) return;
    this.#core.accounting.accept();
    this.#core.accounting.count('bad-request');
    const { title } = outcomes['bad-request'];
    const body = JSON.stringify({ type: 'about:blank', title, status, code: 'bad-request', detail });
    socket.write(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\n` +
        `content-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
    connection.linger();
  }
}
