/**
 * The app under test. HTTP on 8080: echo as JSON, `/healthz`, `/events` as server-sent events, any upgrade to
 * WebSocket; gRPC on 9090 (h2c); `/metrics` on 9091, where PUT /metrics/off makes it answer 500, PUT /metrics/on as before.
 * At SIGTERM it finishes what it has. START_DELAY_MS: listens that late; HOST: only there; REVISION: stands in every echo.
 */
import { createHash } from 'node:crypto';
import http from 'node:http';
import http2 from 'node:http2';
import type { Duplex } from 'node:stream';
import { acceptOf, frameOf, grpcMessage, readFrame } from './wire.ts';

const env = process.env;
const identity = env['HOSTNAME'] ?? 'app';
const host = env['HOST'] ?? '0.0.0.0';
const unusedConnectionMs = 500;
const unused = new Set<Duplex>();
const streams = new Set<Duplex>();
let stopping = false;
let requests = 0;
let isScraped = true;

function answer(response: http.ServerResponse, body: unknown): void {
  const text = JSON.stringify(body);
  const head = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
  response.writeHead(200, stopping ? { ...head, connection: 'close' } : head).end(text);
}

async function echo(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
  const hash = createHash('sha256');
  let bodyLength = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bodyLength += chunk.length;
  }
  const { method, url, headers } = request;
  answer(response, {
    identity,
    revision: env['REVISION'],
    method,
    url,
    headers,
    bodyLength,
    bodySha256: hash.digest('hex'),
  });
}

function events(response: http.ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  let n = 0;
  const timer = setInterval(() => {
    response.write(`data: ${identity} ${(n += 1)}\n\n`);
    if (n === 3) {
      clearInterval(timer);
      response.end();
    }
  }, 50);
  response.on('close', () => clearInterval(timer));
}

const server = http.createServer({ requestTimeout: 0, keepAliveTimeout: 60_000 }, (request, response) => {
  unused.delete(request.socket);
  if (request.url === '/healthz') return answer(response, { identity });
  requests += 1;
  if (request.url?.startsWith('/events')) events(response);
  else echo(request, response).catch(() => response.destroy());
});
server.on('connection', (socket) => {
  unused.add(socket);
  socket.on('close', () => unused.delete(socket));
});
server.on('upgrade', (request, socket, head) => {
  unused.delete(socket);
  streams.add(socket);
  socket.on('close', () => streams.delete(socket)).on('error', () => socket.destroy());
  const accept = acceptOf(request.headers['sec-websocket-key'] ?? '');
  const lines = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade'];
  socket.write(`${lines.join('\r\n')}\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
  let pending = head;
  const look = (chunk: Buffer): void => {
    pending = Buffer.concat([pending, chunk]);
    for (let frame = readFrame(pending); frame; frame = readFrame(pending)) {
      pending = pending.subarray(frame.length);
      if (frame.opcode === 8) socket.end(frameOf(8, frame.payload));
      else socket.write(frameOf(1, Buffer.from(`echo: ${frame.payload.toString()}`)));
    }
  };
  socket.on('data', look);
  look(Buffer.alloc(0));
});

const metrics = http.createServer((request, response) => {
  if (request.method === 'PUT') isScraped = request.url !== '/metrics/off';
  response.writeHead(isScraped ? 200 : 500, { 'content-type': 'text/plain; version=0.0.4' });
  response.end(`# TYPE http_requests_total counter\nhttp_requests_total ${requests}\n`);
});

const grpc = http2.createServer();
grpc.on('stream', (stream) => {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', () => undefined);
  stream.on('end', () => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(grpcMessage(`echo: ${Buffer.concat(chunks).subarray(5).toString()}`));
  });
});
const sessions = new Set<http2.ServerHttp2Session>();
grpc.on('session', (session) => {
  sessions.add(session);
  session.on('close', () => sessions.delete(session)).on('error', () => undefined);
});

function stop(): void {
  stopping = true;
  let open = 2;
  const closed = (): void => {
    if ((open -= 1) === 0) process.exit(0);
  };
  server.close(closed);
  grpc.close(closed);
  for (const session of sessions) session.close();
  for (const stream of streams) stream.end(frameOf(8, Buffer.from([0x03, 0xe9])));
  setTimeout(() => unused.forEach((socket) => socket.end()), unusedConnectionMs);
}

const listening = setTimeout(
  () => {
    server.listen({ host, port: 8080, backlog: 4096 });
    grpc.listen({ host, port: 9090 });
    metrics.listen({ host, port: 9091 });
  },
  Number(env['START_DELAY_MS'] ?? 0),
);
process.on('SIGTERM', () => {
  clearTimeout(listening);
  if (server.listening) stop();
  else process.exit(0);
});
