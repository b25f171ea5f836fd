import { once } from 'node:events';
import {
  type ClientHttp2Stream,
  connect,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** One oddity in HTTP/2: a request, and what the endpoint does with its stream. */
export interface StreamRow {
  readonly what: string;
  readonly head: Readonly<Record<string, string>>;
  /** Bytes of its body; undefined: none. */
  readonly upload?: number;
  /** Sent once a 100 has come. */
  readonly upon100?: string;
  /** Default: 200 and `ok`. */
  answer?(stream: ServerHttp2Stream): void;
  readonly wanted?: string;
  readonly why?: string;
}

function answered(stream: ServerHttp2Stream, head: Record<string, string | number>, body = 'ok'): void {
  stream.respond({ ':status': 200, ...head });
  stream.end(body);
}

/** Forms in HTTP/2. */
export const streamRows: readonly StreamRow[] = [
  { what: "Vault's LIST", head: { ':method': 'LIST' } },
  { what: 'VERSION-CONTROL', head: { ':method': 'VERSION-CONTROL' } },
  { what: '`TE: trailers`, and trailers', head: { te: 'trailers' }, answer: trailing },
  {
    what: 'a 204 with a length',
    wanted: '502',
    why: 'by RFC 9110 §8.6 it is malformed, and nghttp2 resets it as RFC 9113 §8.1.1 demands',
    head: {},
    answer: (stream) => stream.respond({ ':status': 204, 'content-length': 5 }, { endStream: true }),
  },
  {
    what: 'a 304 with a length',
    head: {},
    answer: (stream) => stream.respond({ ':status': 304, 'content-length': 5 }, { endStream: true }),
  },
  {
    what: 'HEAD with a length',
    head: { ':method': 'HEAD' },
    answer: (stream) => stream.respond({ ':status': 200, 'content-length': 5 }, { endStream: true }),
  },
  { what: 'a 100 that was not asked for', head: {}, answer: informed(100) },
  { what: 'a 103', head: {}, answer: informed(103) },
  {
    what: '`Trailer` with a length',
    head: {},
    answer: (stream) => answered(stream, { trailer: 'x-sum', 'content-length': 2 }),
  },
  {
    what: '`Expect: 100-continue`, and the endpoint wants the body',
    head: { ':method': 'POST', expect: '100-continue' },
    upon100: 'hi',
    answer(stream) {
      stream.additionalHeaders({ ':status': 100 });
      stream.once('data', () => answered(stream, {}));
    },
  },
  {
    what: '`Expect: 100-continue`, and it does not',
    head: { ':method': 'POST', expect: '100-continue' },
    upon100: 'hi',
    answer: (stream) => answered(stream, { ':status': 413 }, 'no!'),
  },
  {
    what: 'an upload that is refused early, by an endpoint that then resets with NO_ERROR',
    head: { ':method': 'POST' },
    upload: 8_388_608,
    answer(stream) {
      stream.on('error', () => {});
      answered(stream, { ':status': 413 }, 'no!');
      stream.once('finish', () => stream.close(0));
    },
  },
];

function trailing(stream: ServerHttp2Stream): void {
  stream.respond({ ':status': 200 }, { waitForTrailers: true });
  stream.once('wantTrailers', () => stream.sendTrailers({ 'x-odd': '1' }));
  stream.end('ok');
}

function informed(status: number): (stream: ServerHttp2Stream) => void {
  return (stream) => {
    stream.additionalHeaders({ ':status': status });
    answered(stream, {});
  };
}

const limitMs = 1500;

/** What a client in HTTP/2 gets, in the words that `ask` has for HTTP/1. */
export async function askStream(port: number, row: StreamRow, host: string): Promise<string> {
  const session = connect(`http://127.0.0.1:${port}`);
  let broken = '';
  session.on('error', ({ message }) => (broken = message));
  const bodiless = row.upload === undefined && row.upon100 === undefined;
  const stream = session.request({ ':path': '/', ':authority': host, ...row.head }, { endStream: bodiless });
  const statuses: string[] = [];
  let body = '';
  let trailers = '';
  stream.on('headers', (fields: IncomingHttpHeaders) => void statuses.push(String(fields[':status'])));
  stream.on('continue', () => void stream.end(row.upon100));
  stream.on('response', (fields) => void statuses.push(String(fields[':status'])));
  stream.on(
    'trailers',
    (fields: IncomingHttpHeaders) =>
      (trailers = Object.entries(fields)
        .map(([name, value]) => ` ${name}: ${value}`)
        .join('')),
  );
  stream.on('data', (chunk: Buffer) => (body += chunk.toString('latin1')));
  stream.on('error', ({ message }) => (broken = message));
  if (row.upload !== undefined) void upload(stream, row.upload);
  const ended = await Promise.race([
    once(stream, 'end').then(() => true),
    once(stream, 'close').then(() => true),
    sleep(limitMs, false),
  ]).catch(() => true);
  session.destroy();
  const end = statuses.length === 0 ? broken || 'silence' : ended ? '' : ' …';
  return `${statuses.join(', ')}${trailers}${body === '' || /^<html>|^\{/.test(body) ? '' : ` "${body.slice(0, 40)}"`}${end}`;
}

async function upload(stream: ClientHttp2Stream, bytes: number): Promise<void> {
  const piece = Buffer.alloc(65_536, 'u');
  for (let sent = 0; sent < bytes && stream.writable; sent += piece.length) {
    if (!stream.write(piece)) await Promise.race([once(stream, 'drain'), once(stream, 'close')]).catch(() => {});
  }
}

/** An endpoint that answers as the row says that is played. */
export async function startStreamApp(): Promise<{ port: number; play(row: StreamRow): void; close(): void }> {
  let answer: NonNullable<StreamRow['answer']> = (stream) => answered(stream, {});
  const server = createServer();
  server.on('stream', (stream) => {
    stream.on('error', () => {});
    answer(stream);
  });
  const sessions = new Set<{ destroy(): void }>();
  server.on('session', (session) => void sessions.add(session));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    play: (row) => void (answer = row.answer ?? ((stream) => answered(stream, {}))),
    close() {
      server.close();
      for (const session of sessions) session.destroy();
    },
  };
}
