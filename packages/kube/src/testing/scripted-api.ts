import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Clock, systemClock } from '@scaler/scaler-types';

import { silentLogger } from '@scaler/testing-kit';
import type { Cluster } from '../cluster/credentials.ts';
import type { KubeClient } from '../client/client.ts';
import { type ConnectOptions, createKubeClient } from '../client/connect.ts';

/** A request as the script sees it, its body read. */
export interface ScriptedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
  /** Which connection it came on, counted from 1. */
  readonly connection: number;
}

export type Script = (request: ScriptedRequest, response: ServerResponse) => void;

/** An HTTP server with the answers of a test, and a client for it. */
export interface ScriptedApi {
  readonly client: KubeClient;
  readonly cluster: Cluster;
  readonly requests: readonly ScriptedRequest[];
  readonly port: number;
  /** Changes what it answers from now on. */
  answer(script: Script): void;
  close(): Promise<void>;
}

export async function startScriptedApi(
  script: Script,
  options: Partial<ConnectOptions> & { readonly clock?: Clock } = {},
): Promise<ScriptedApi> {
  const requests: ScriptedRequest[] = [];
  const connections = new Map<unknown, number>();
  let current = script;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://x');
      const text = Buffer.concat(chunks).toString();
      const seen = {
        method: request.method ?? '',
        path: pathname,
        query: searchParams,
        headers: request.headers,
        body: text === '' ? undefined : (JSON.parse(text) as unknown),
        connection: connections.get(request.socket) ?? 0,
      };
      requests.push(seen);
      current(seen, response);
    });
  });
  server.on('connection', (socket) => connections.set(socket, connections.size + 1));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const cluster: Cluster = {
    server: new URL(`http://127.0.0.1:${port}`),
    namespace: undefined,
    credentials: () => Promise.resolve({ headers: {}, tls: {}, proxy: undefined }),
    forgetCredentials: () => undefined,
  };
  const client = createKubeClient(cluster, {
    userAgent: 'kube-test',
    logger: silentLogger,
    clock: systemClock,
    ...options,
  });
  return {
    client,
    cluster,
    requests,
    port,
    answer: (next) => {
      current = next;
    },
    close: async () => {
      client.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(body));
}

/** The API's Status object. */
export function sendStatus(
  response: ServerResponse,
  code: number,
  reason: string,
  message: string,
  details: object = {},
  headers: Record<string, string> = {},
): void {
  sendJson(
    response,
    code,
    { kind: 'Status', apiVersion: 'v1', status: 'Failure', message, reason, details, code },
    headers,
  );
}

const lookEveryMs = 2;

/**
 * Resolves as soon as `condition` holds. It looks each few turns of the event loop, and `limitMs` counts those: a busy
 * machine has as many.
 */
export async function until(condition: () => boolean, limitMs = 5_000): Promise<void> {
  for (let waitedMs = 0; !condition(); waitedMs += lookEveryMs) {
    if (waitedMs > limitMs) throw new Error(`Not within ${limitMs} ms: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
}
