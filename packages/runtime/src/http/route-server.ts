import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Clock, Logger } from '@scaler/scaler-types';
import { ConnectionBounds, type ConnectionLimits } from './connection-bounds.ts';
import { listen, type ListenAddress } from './listen.ts';
import { problem, problemContentType } from './problem.ts';

/** A request to a route. */
export interface InfraRequest {
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** The body as JSON; undefined when there is none. */
  readonly body: unknown;
  /** Aborts when the client is gone, and after the answer. */
  readonly signal: AbortSignal;
}

/** The answer of a route: a body that becomes JSON, once for each object. */
export interface InfraReply {
  /** Default: 200. */
  status?: number;
  body: unknown;
}

/** An answer to one method and path, for other processes of scaler. A rejection becomes a 500 problem. */
export interface InfraRoute {
  method: 'GET' | 'POST';
  /** The exact path. */
  path: string;
  handle(request: InfraRequest): InfraReply | Promise<InfraReply>;
}

/** A server that listens. */
export interface InfraServer {
  readonly address: ListenAddress;
  /** Ends the server; answers under way get a second. Idempotent. */
  close(): Promise<void>;
}

/** The answer as it is sent. */
export interface Reply {
  status: number;
  contentType: string;
  text: string;
  headers?: Readonly<Record<string, string>>;
}

/** One path of a server. */
export interface ServedRoute {
  method: 'GET' | 'POST';
  path: string;
  reply(request: IncomingMessage, response: ServerResponse): Reply | Promise<Reply>;
}

export interface RouteServerOptions extends ListenAddress {
  /** The server's name in errors and logs. */
  name: string;
  routes: readonly ServedRoute[];
  /** Answers in place of every route; undefined: the route answers. Asked before the body is read. */
  refuse?: (request: IncomingMessage) => Promise<Reply | undefined>;
  /** Default: 256 of one address, 2,048 in all. */
  connections?: ConnectionLimits;
  logger: Logger;
  clock: Clock;
}

const usualConnections: ConnectionLimits = { perAddress: 256, total: 2_048 };

/** Bytes of a body; a request of scaler's own apps has less than 1 KB. */
export const maxBodyBytes = 64 * 1024;
const closeGraceMs = 1_000;

/** Starts a server of exact paths. @throws RuntimeError `listen-failed`. */
export async function startRouteServer(options: RouteServerOptions): Promise<InfraServer> {
  const { name, logger, clock } = options;
  const routes = new Map(options.routes.map((route) => [`${route.method} ${route.path}`, route]));
  const paths = new Set([...routes.values()].map(({ path }) => path));
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<Reply> => {
    const refused = await options.refuse?.(request);
    if (refused !== undefined) return refused;
    const path = pathOf(request);
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    const route = routes.get(`${method} ${path}`);
    if (route) return route.reply(request, response);
    if (paths.has(path))
      return problemReply('method-not-allowed', 405, 'The path does not know this method', `${method} ${path}`);
    const detail = `${path.slice(0, 80)}; known are ${[...paths].join(', ')}`;
    return problemReply('not-found', 404, 'Nothing is here', detail);
  };
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000 }, (request, response) => {
    void answer(request, response)
      .catch((error: unknown) => {
        logger.error(`${name} request failed`, { method: request.method, path: pathOf(request), err: error });
        const detail = error instanceof Error ? error.message : String(error);
        return problemReply('internal', 500, 'The request could not be answered', detail);
      })
      .then((reply) => send(request, response, reply))
      .catch((error: unknown) => {
        // An answer that Node does not send ends its connection, and nothing else.
        logger.error(`${name} answer failed`, { method: request.method, path: pathOf(request), err: error });
        response.destroy();
      });
  });
  const bounds = new ConnectionBounds(options.connections ?? usualConnections);
  server.on('connection', (socket) => bounds.take(socket));
  const address = await listen(server, name, options);
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      const cancel = clock.after(closeGraceMs, () => server.closeAllConnections());
      server.close(() => {
        cancel();
        resolve();
      });
      server.closeIdleConnections();
    });
  return { address, close: () => (closing ??= close()) };
}

/** A route as it is served. */
export function served({ method, path, handle }: InfraRoute): ServedRoute {
  return { method, path, reply: (request, response) => routeReply(request, response, handle) };
}

async function routeReply(
  request: IncomingMessage,
  response: ServerResponse,
  handle: InfraRoute['handle'],
): Promise<Reply> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const text = await readBody(request);
  if (text === undefined)
    return problemReply('too-large', 413, 'The body is too large', `at most ${maxBodyBytes} bytes`);
  let body: unknown;
  try {
    body = text === '' ? undefined : JSON.parse(text);
  } catch (error) {
    return problemReply('bad-json', 400, 'The body is not JSON', (error as Error).message);
  }
  const { searchParams: query } = new URL(request.url ?? '/', 'http://localhost');
  const reply = await handle({ query, headers: request.headers, body, signal: gone.signal });
  return jsonReply(reply.status ?? 200, reply.body);
}

/** The body's text; undefined when it is longer than allowed. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBodyBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

export function problemReply(
  code: string,
  status: number,
  title: string,
  detail: string,
  headers: Reply['headers'] = {},
): Reply {
  return { ...jsonReply(status, problem(code, status, title, detail)), contentType: problemContentType, headers };
}

/** An answer that several share is written once. */
const texts = new WeakMap<object, string>();

export function jsonReply(status: number, body: unknown): Reply {
  return { status, contentType: 'application/json', text: jsonOf(body) };
}

function jsonOf(body: unknown): string {
  if (typeof body !== 'object' || body === null) return JSON.stringify(body);
  const known = texts.get(body);
  if (known !== undefined) return known;
  const text = JSON.stringify(body);
  texts.set(body, text);
  return text;
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '/').split('?', 1)[0] ?? '/';
}

function send(request: IncomingMessage, response: ServerResponse, { status, contentType, text, headers }: Reply): void {
  // The unread rest of a body would be taken for the next request.
  if (!request.complete) response.setHeader('connection', 'close');
  response.writeHead(status, { ...headers, 'content-type': contentType, 'content-length': Buffer.byteLength(text) });
  response.end(request.method === 'HEAD' ? undefined : text);
}
