// A program of one file that needs nothing but Node: it is also copied into real pods. Keep it free of imports of ours.
import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { hostname } from 'node:os';
import { pathToFileURL } from 'node:url';
import type { Socket } from 'node:net';

/** How an echo server behaves; may be changed while it runs. */
export interface EchoBehaviour {
  /** The name of the server, which is in every answer. Default `<hostname>:<pid>`. */
  identity: string;
  /** Pause between the end of the request body and the answer, in milliseconds. Default 0. */
  delayMs: number;
  /** Status of every answer. Default 200. */
  statusCode: number;
  /** How many requests, from now on, get a connection reset instead of an answer. Default 0. */
  resetFirst: number;
  /** Until then (milliseconds after the start) every request is answered 503. Default 0. */
  readyAfterMs: number;
  /** How many requests the log keeps, the newest. Default 100 000. */
  logLimit: number;
}

/** One request as the upstream saw it, noted when its head arrived. */
export interface EchoRecord {
  /** `x-request-id`, or `''`. */
  readonly requestId: string;
  readonly method: string;
  readonly url: string;
  readonly atMs: number;
}

/** The JSON body of an answer. */
export interface EchoAnswer {
  readonly identity: string;
  /** How many requests this process has had, this one included; `/healthz` and `/_log` do not count. */
  readonly count: number;
  readonly method: string;
  readonly url: string;
  readonly httpVersion: string;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly bodyLength: number;
  readonly bodySha256: string;
}

/** An echo server that does not listen yet. */
export interface EchoServer {
  readonly server: Server;
  readonly behaviour: EchoBehaviour;
  readonly requests: readonly EchoRecord[];
  /** Requests had so far; not bounded by the log. */
  readonly count: number;
  /** Closes the listener, lets requests in flight finish, ends idle connections. Resolves when all are gone. */
  stop(): Promise<void>;
  /** Closes the listener and resets every connection, at once. */
  kill(): Promise<void>;
}

/** A connection on which nothing has arrived yet gets this long to send its request once the server stops. */
const unusedConnectionMs = 500;

/** Creates an HTTP server which answers every request with what it received. */
export function createEchoServer(given: Partial<EchoBehaviour> = {}): EchoServer {
  const behaviour: EchoBehaviour = {
    identity: `${hostname()}:${process.pid}`,
    delayMs: 0,
    statusCode: 200,
    resetFirst: 0,
    readyAfterMs: 0,
    logLimit: 100_000,
    ...given,
  };
  const startedAt = performance.now();
  const requests: EchoRecord[] = [];
  const unused = new Set<Socket>();
  const sockets = new Set<Socket>();
  let count = 0;
  let stopping = false;
  let closed: Promise<void> | undefined;

  const answer = (response: ServerResponse, status: number, body: unknown): void => {
    const text = JSON.stringify(body);
    const head = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
    response.writeHead(status, stopping ? { ...head, connection: 'close' } : head).end(text);
  };

  const echo = (request: IncomingMessage, response: ServerResponse): void => {
    const { method = '', url = '', httpVersion, headers } = request;
    const mine = ++count;
    requests.push({ requestId: String(headers['x-request-id'] ?? ''), method, url, atMs: Date.now() });
    if (requests.length > behaviour.logLimit) requests.shift();
    if (behaviour.resetFirst > 0) {
      behaviour.resetFirst--;
      request.socket.resetAndDestroy();
      return;
    }
    const hash = createHash('sha256');
    let bodyLength = 0;
    request.on('data', (chunk: Buffer) => {
      bodyLength += chunk.length;
      hash.update(chunk);
    });
    request.on('end', () => {
      const bodySha256 = hash.digest('hex');
      const { identity, statusCode, delayMs } = behaviour;
      const finish = (): void =>
        answer(response, statusCode, {
          identity,
          count: mine,
          method,
          url,
          httpVersion,
          headers,
          bodyLength,
          bodySha256,
        } satisfies EchoAnswer);
      if (delayMs <= 0) return finish();
      const timer = setTimeout(finish, delayMs);
      response.on('close', () => clearTimeout(timer));
    });
  };

  const server = createServer({ requestTimeout: 0 }, (request, response) => {
    unused.delete(request.socket);
    const ready = performance.now() - startedAt >= behaviour.readyAfterMs;
    if (!ready) {
      request.resume();
      answer(response, 503, { identity: behaviour.identity, message: 'not ready yet' });
    } else if (request.url === '/healthz') answer(response, 200, { identity: behaviour.identity });
    else if (request.url === '/_log') answer(response, 200, { identity: behaviour.identity, count, requests });
    else echo(request, response);
  });
  // A client that keeps connections longer than this meets the well-known race of a request with a closing server.
  server.keepAliveTimeout = 60_000;
  server.on('connection', (socket) => {
    unused.add(socket);
    sockets.add(socket);
    socket.on('close', () => {
      unused.delete(socket);
      sockets.delete(socket);
    });
  });

  const close = (): Promise<void> => {
    closed ??= new Promise((resolve) => server.close(() => resolve()));
    return closed;
  };

  return {
    server,
    behaviour,
    requests,
    get count() {
      return count;
    },
    async stop() {
      stopping = true;
      const done = close();
      const timer = setTimeout(() => {
        for (const socket of unused) socket.end();
      }, unusedConnectionMs);
      await done;
      clearTimeout(timer);
    },
    async kill() {
      const done = close();
      for (const socket of sockets) socket.resetAndDestroy();
      await done;
    },
  };
}

function main(): void {
  const env = process.env;
  const number = (name: string, fallback: number): number => Number(env[name] ?? fallback);
  const { server, stop } = createEchoServer({
    identity: env['IDENTITY'] ?? env['HOSTNAME'] ?? `${hostname()}:${process.pid}`,
    delayMs: number('DELAY_MS', 0),
    statusCode: number('STATUS_CODE', 200),
    resetFirst: number('RESET_FIRST', 0),
    readyAfterMs: number('READY_AFTER_MS', 0),
    logLimit: 10_000,
  });
  const listening = setTimeout(
    () => server.listen({ host: env['POD_IP'] ?? '0.0.0.0', port: number('PORT', 8080), backlog: 4096 }),
    number('START_DELAY_MS', 0),
  );
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      clearTimeout(listening);
      void stop().then(() => process.exit(0));
    });
  }
}

const program = process.argv[1];
if (program !== undefined && pathToFileURL(realpathSync(program)).href === import.meta.url) main();
