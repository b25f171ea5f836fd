import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { afterEach } from '@jest/globals';
import type { Endpoint } from '@scaler/scaler-types';
import { endpoint } from './harness.ts';

export { freePort } from './free-port.ts';

const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

/** A real HTTP server in place of an app. */
export interface Upstream {
  readonly port: number;
  readonly endpoint: Endpoint;
  /** `METHOD path body`, in order of arrival. */
  readonly seen: string[];
  readonly heads: IncomingMessage[];
  /** Also done after each test. */
  close(): void;
}

/** Answers `ok` where there is no listener. A listener is called once the body was read, which is given as text. */
export async function startUpstream(
  listener: (req: IncomingMessage, res: ServerResponse, body: string) => void = (_req, res) => res.end('ok'),
): Promise<Upstream> {
  const seen: string[] = [];
  const heads: IncomingMessage[] = [];
  return serve(seen, heads, (req, res) => {
    heads.push(req);
    let body = '';
    req.setEncoding('latin1').on('data', (chunk: string) => (body += chunk));
    req.on('end', () => {
      seen.push(`${req.method} ${req.url} ${body}`.trim());
      listener(req, res, body);
    });
  });
}

/** Sees requests as soon as their head is there. */
export async function startEagerUpstream(listener: RequestListener): Promise<Upstream> {
  return serve([], [], listener);
}

async function serve(seen: string[], heads: IncomingMessage[], listener: RequestListener): Promise<Upstream> {
  const server = createServer(listener).listen(0, '127.0.0.1', 4096);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  open.push(close);
  return { port, endpoint: endpoint(port), seen, heads, close };
}

/** A TCP server in place of a broken app. */
export async function startTcp(
  onConnection: (socket: Socket) => void,
  port = 0,
  allowHalfOpen = false,
): Promise<{ endpoint: Endpoint; close(): void }> {
  const sockets = new Set<Socket>();
  const server = createTcpServer({ allowHalfOpen }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    onConnection(socket);
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  const close = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  open.push(close);
  return { endpoint: endpoint((server.address() as AddressInfo).port), close };
}

/** An endpoint without a listener: a closed port of the ephemeral range may be another process's a moment later. */
export function refusingEndpoint(): Endpoint {
  return endpoint(9, '127.83.83.83');
}
