import { type AddressInfo, isIPv4 } from 'node:net';
import type { Logger } from '@scaler/scaler-types';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { configError } from '../errors.ts';
import { fastifyLogger } from '../log/fastify-logger.ts';
import { readSmallFile } from '../files.ts';
import { carriesToken } from './bearer.ts';
import { listenError } from './listen.ts';
import { problem, problemContentType } from './problem.ts';

/** A fastify instance, on which routes are registered. */
export type AdminApp = FastifyInstance;

export interface AdminServerOptions {
  /** Default: 127.0.0.1. Anything but loopback needs `tokenFile`. */
  host?: string;
  /** 0: a free one. */
  port: number;
  /** The file of the token that a caller must send. Read at each request, so it can be rotated. */
  tokenFile?: string | undefined;
  logger: Logger;
  /** Adds the routes; runs before it listens. */
  register(app: AdminApp): void | Promise<void>;
}

/**
 * Starts the server for people and their tools. Errors become `application/problem+json`; an error's `code`, and its
 * `statusCode` if it has one, are kept.
 *
 * @throws RuntimeError `invalid-config` when it would listen beyond loopback without a token file, `listen-failed`.
 */
export async function startAdminServer(options: AdminServerOptions) {
  const { host = '127.0.0.1', port, tokenFile, logger, register } = options;
  if (tokenFile === undefined && !isLoopback(host)) {
    throw configError(
      `the admin server cannot listen on "${host}" without a token file, allowed is a loopback address such as 127.0.0.1, or any with a token file`,
    );
  }
  // Loaded here and not at the top: half of the import time of this package.
  const { fastify, LogController } = await import('fastify');
  const app: AdminApp = fastify({
    loggerInstance: fastifyLogger(logger),
    logController: new LogController({ disableRequestLogging: true }),
    forceCloseConnections: true,
    bodyLimit: 64 * 1024,
    // A request has to be whole by then.
    requestTimeout: 30_000,
  });
  app.addHook('onRequest', (request, reply) => guard(tokenFile, request, reply));
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const status = error.statusCode !== undefined && error.statusCode >= 400 ? error.statusCode : 500;
    if (status >= 500)
      logger.error('admin request failed', { method: request.method, path: pathOf(request), err: error });
    return sendProblem(reply, error.code ?? 'internal', status, 'The request failed', error.message);
  });
  app.setNotFoundHandler((request, reply) =>
    sendProblem(reply, 'not-found', 404, 'Nothing is here', `${request.method} ${pathOf(request)}`),
  );
  await register(app);
  try {
    await app.listen({ host, port });
  } catch (error) {
    await app.close();
    throw listenError('admin', { host, port }, error as Error);
  }
  // A connection that cannot be accepted is an error here; without a listener it would end the process.
  app.server.on('error', (error) => logger.warn('admin connection not accepted', { err: error }));
  const bound = app.server.address() as AddressInfo;
  let closing: Promise<void> | undefined;
  return {
    address: { host, port: bound.port },
    /** Ends it and its connections. Idempotent. */
    close: (): Promise<void> => (closing ??= app.close()),
  };
}

/** Lets a request through, or answers that it may not pass. */
async function guard(file: string | undefined, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  if (file !== undefined) {
    const token = (await readSmallFile(file)).trim();
    if (carriesToken(request.headers.authorization, [token])) return undefined;
    reply.header('www-authenticate', 'Bearer');
    return sendProblem(reply, 'unauthorized', 401, 'A bearer token is needed', 'the token is missing or wrong');
  }
  // A web page can make its visitor's browser ask 127.0.0.1, under a host name of its own (DNS rebinding).
  if (isLoopback(request.hostname)) return undefined;
  const detail = `the host is "${request.hostname}", allowed without a token is a loopback address or localhost`;
  return sendProblem(reply, 'host-refused', 421, 'This host is not served here', detail);
}

/** Answers with an error, as in RFC 9457. */
export function sendProblem(
  reply: FastifyReply,
  code: string,
  status: number,
  title: string,
  detail: string,
): FastifyReply {
  return reply
    .code(status)
    .type(problemContentType)
    .send(problem(code, status, title, detail));
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || /^\[?::1\]?$/.test(host) || (isIPv4(host) && host.startsWith('127.'));
}

function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] ?? '/';
}
