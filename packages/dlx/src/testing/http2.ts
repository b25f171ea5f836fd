import { once } from 'node:events';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type ClientSessionOptions,
  connect,
  createServer,
  type Http2Session,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
  type ServerOptions,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { afterEach } from '@jest/globals';
import type { Endpoint } from '@scaler/scaler-types';
import { endpoint } from './harness.ts';

const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

/** An app that speaks HTTP/2 by prior knowledge. */
export interface Http2App {
  readonly endpoint: Endpoint;
  /** `METHOD path`, in order of arrival. */
  readonly seen: string[];
  readonly heads: IncomingHttpHeaders[];
  readonly streams: ServerHttp2Stream[];
  /** Those that stand. */
  readonly sessions: Set<Http2Session>;
  /** Also done after each test. */
  close(): void;
}

export type OnStream = (stream: ServerHttp2Stream, head: IncomingHttpHeaders) => void;

/** Answers `ok` where no other answer is given. */
export async function startHttp2App(
  onStream: OnStream = (stream) => {
    stream.respond({ ':status': 200 });
    stream.end('ok');
  },
  options: ServerOptions = {},
): Promise<Http2App> {
  const server = createServer(options).listen(0, '127.0.0.1');
  const sessions = new Set<Http2Session>();
  const app: Omit<Http2App, 'endpoint' | 'close'> = { seen: [], heads: [], streams: [], sessions };
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => {}).on('close', () => sessions.delete(session));
  });
  server.on('stream', (stream, head) => {
    stream.on('error', () => {});
    app.seen.push(`${head[':method']} ${head[':path']}`);
    app.heads.push(head);
    app.streams.push(stream);
    onStream(stream, head);
  });
  await once(server, 'listening');
  const close = (): void => {
    server.close();
    for (const session of sessions) session.destroy();
  };
  open.push(close);
  return { ...app, endpoint: endpoint((server.address() as AddressInfo).port), close };
}

/** A client's connection by prior knowledge; closed after the test. */
export function connectHttp2(port: number, options: ClientSessionOptions = {}): ClientHttp2Session {
  const session = connect(`http://127.0.0.1:${port}`, options);
  session.on('error', () => {});
  open.push(() => session.destroy());
  return session;
}

/** An answer as the client saw it, whatever became of its stream. */
export interface Http2Answer {
  readonly status: number;
  readonly fields: IncomingHttpHeaders;
  readonly body: string;
  readonly trailers: IncomingHttpHeaders;
  /** Of 1xx. */
  readonly informed: IncomingHttpHeaders[];
  /** Whether the server ended it, as opposed to a reset or a loss. */
  readonly whole: boolean;
  /** Of the reset; 0: none, or one that says that all is well. */
  readonly code: number;
  readonly problem: { code?: string; detail?: string };
}

export interface Http2Exchange {
  readonly stream: ClientHttp2Stream;
  readonly answer: Promise<Http2Answer>;
}

/** Sends a request for `web`, with a body if one is given, or with an open one for `undefined`. */
export function open2(
  session: ClientHttp2Session,
  head: OutgoingHttpHeaders,
  ...body: [string | Buffer | undefined] | []
): Http2Exchange {
  const fields = { ':authority': 'web', ...head };
  const stream = session.request(fields, { endStream: body.length === 0, waitForTrailers: body.length > 0 });
  if (body[0] !== undefined) stream.end(body[0]);
  let status = 0;
  let whole = false;
  let answered: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders = {};
  const informed: IncomingHttpHeaders[] = [];
  const chunks: Buffer[] = [];
  // Node tells 'end' of a stream that was reset, too.
  stream.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
    if (chunk === null && !stream.closed) whole = true;
    return Readable.prototype.push.call(stream, chunk, encoding);
  };
  stream.on('headers', (info) => informed.push(info));
  stream.on('response', (response) => {
    status = Number(response[':status']);
    answered = response;
  });
  stream.on('trailers', (last) => (trailers = last));
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('error', () => {});
  const answer = new Promise<Http2Answer>((resolve) => {
    stream.on('close', () => {
      const text = Buffer.concat(chunks).toString('latin1');
      const isProblem = answered['content-type'] === 'application/problem+json' && text !== '';
      const problem = (isProblem ? JSON.parse(text) : {}) as Http2Answer['problem'];
      resolve({ status, fields: answered, body: text, trailers, informed, whole, code: stream.rstCode, problem });
    });
  });
  return { stream, answer };
}

/** The same for when only the answer counts. */
export function ask(
  session: ClientHttp2Session,
  head: OutgoingHttpHeaders,
  ...body: [string | Buffer] | []
): Promise<Http2Answer> {
  return open2(session, head, ...body).answer;
}
