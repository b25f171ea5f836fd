import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { type Clock, type Logger, systemClock } from '@scaler/scaler-types';
import type { Metrics } from '../metrics/metrics.ts';
import type { Checks } from './checks.ts';
import { listen, type ListenAddress } from './listen.ts';
import { type Problem, problem, problemContentType } from './problem.ts';

/** What a route is asked. */
export interface InfraRequest {
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** The body as JSON; undefined when there is none. */
  readonly body: unknown;
  /** Aborts when the asker is gone, and after the answer. */
  readonly signal: AbortSignal;
}

/** What a route answers: a body that becomes JSON. */
export interface InfraReply {
  /** Default: 200. */
  status?: number;
  body: unknown;
}

/** An answer to one method and path, for other processes of scaler. A rejection becomes a 500 problem. */
export interface InfraRoute {
  method: 'GET' | 'POST';
  /** Exact. */
  path: string;
  handle(request: InfraRequest): InfraReply | Promise<InfraReply>;
}

export interface InfraServerOptions {
  host: string;
  /** 0: a free one. */
  port: number;
  /** Behind `/healthz`. Default: healthy as long as it answers. */
  health?: Checks;
  /** Behind `/readyz`. */
  readiness: Checks;
  /** Behind `/metrics`. */
  metrics: Metrics;
  routes?: readonly InfraRoute[];
  logger: Logger;
  clock?: Clock;
}

/** A server that listens. */
export interface InfraServer {
  readonly address: ListenAddress;
  /** Ends it; answers under way get a second. Idempotent. */
  close(): Promise<void>;
}

interface Reply {
  status: number;
  contentType: string;
  text: string;
}

const maxBodyBytes = 1024 * 1024;
const closeGraceMs = 1_000;

/**
 * Starts the server for kubelet, Prometheus and other processes of scaler: `/healthz`, `/readyz`, `/metrics` and the
 * routes. It has no authentication: nothing that changes what a user sees belongs here.
 *
 * @throws RuntimeError `listen-failed`.
 */
export async function startInfraServer(options: InfraServerOptions): Promise<InfraServer> {
  const { logger, clock = systemClock } = options;
  const routes = new Map(allRoutes(options).map((route) => [`${route.method} ${route.path}`, route]));
  const paths = new Set([...routes.values()].map(({ path }) => path));
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000 }, (request, response) => {
    void answer(routes, paths, request, response)
      .catch((error: unknown) => {
        logger.error('infrastructure request failed', { method: request.method, path: pathOf(request), err: error });
        const detail = error instanceof Error ? error.message : String(error);
        return problemReply(problem('internal', 500, 'The request could not be answered', detail));
      })
      .then((reply) => send(request, response, reply));
  });
  const address = await listen(server, 'infrastructure', options);
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

type AnyRoute = Omit<InfraRoute, 'handle'> & {
  reply(request: IncomingMessage, response: ServerResponse): Promise<Reply>;
};

function allRoutes({ health, readiness, metrics, routes = [] }: InfraServerOptions): AnyRoute[] {
  const get = (path: string, reply: AnyRoute['reply']): AnyRoute => ({ method: 'GET', path, reply });
  return [
    get('/healthz', async () => checksReply(health)),
    get('/readyz', async () => checksReply(readiness)),
    get('/metrics', async () => ({ status: 200, contentType: metrics.contentType, text: await metrics.text() })),
    ...routes.map(({ method, path, handle }): AnyRoute => ({
      method,
      path,
      reply: (request, response) => routeReply(request, response, handle),
    })),
  ];
}

async function answer(
  routes: ReadonlyMap<string, AnyRoute>,
  paths: ReadonlySet<string>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Reply> {
  const path = pathOf(request);
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  const route = routes.get(`${method} ${path}`);
  if (route) return route.reply(request, response);
  if (paths.has(path))
    return problemReply(problem('method-not-allowed', 405, 'The path does not know this method', `${method} ${path}`));
  return problemReply(problem('not-found', 404, 'Nothing is here', `${path}; known are ${[...paths].join(', ')}`));
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
    return problemReply(problem('too-large', 413, 'The body is too large', `at most ${maxBodyBytes} bytes`));
  let body: unknown;
  try {
    body = text === '' ? undefined : JSON.parse(text);
  } catch (error) {
    return problemReply(problem('bad-json', 400, 'The body is not JSON', (error as Error).message));
  }
  const { searchParams: query } = new URL(request.url ?? '/', 'http://localhost');
  const reply = await handle({ query, headers: request.headers, body, signal: gone.signal });
  return json(reply.status ?? 200, reply.body);
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

function checksReply(checks: Checks | undefined): Reply {
  return json(!checks || checks.ok ? 200 : 503, { ok: checks?.ok ?? true, checks: checks?.list() ?? [] });
}

function problemReply(body: Problem): Reply {
  return { ...json(body.status, body), contentType: problemContentType };
}

function json(status: number, body: unknown): Reply {
  return { status, contentType: 'application/json', text: JSON.stringify(body) };
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '/').split('?', 1)[0] ?? '/';
}

function send(request: IncomingMessage, response: ServerResponse, { status, contentType, text }: Reply): void {
  // What was not read of a body would be taken for the next request.
  if (!request.complete) response.setHeader('connection', 'close');
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(text) });
  response.end(request.method === 'HEAD' ? undefined : text);
}
