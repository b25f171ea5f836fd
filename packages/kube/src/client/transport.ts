import type { Agent, RequestOptions } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import { createAgentPools, type Pool } from './agent-pools.ts';
import { exchange, type ExchangeResult } from './exchange.ts';
import { unlessAborted } from '@scaler/async';
import type { Cluster, Credentials } from '../cluster/credentials.ts';
import type { Lane } from './lane.ts';

interface TransportRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly pool: Pool;
  readonly signal: AbortSignal;
}

/** Requests on keep-alive sockets with the cluster's credentials. No retries but one when the credentials were refused. */
export interface Transport {
  open(request: TransportRequest): Promise<ExchangeResult>;
  /** Closes the sockets of a pool that no request uses. */
  dropIdle(pool: Pool): void;
  /** Closes all sockets. */
  close(): void;
}

export interface TransportOptions {
  readonly cluster: Cluster;
  readonly userAgent: string;
  readonly maxSockets: Readonly<Record<Lane, number>>;
}

/** Makes the transport; opens nothing yet. */
export function createTransport(options: TransportOptions): Transport {
  const { cluster } = options;
  const pools = createAgentPools(options);
  const send = (request: TransportRequest, credentials: Credentials): Promise<ExchangeResult> =>
    exchange({
      what: `${request.method} ${request.path}`,
      secure: cluster.server.protocol === 'https:',
      body: request.body,
      signal: request.signal,
      request: requestOptions(options, request, credentials, pools.agent(request.pool, credentials)),
    });

  return {
    open: async (request) => {
      const credentials = await unlessAborted(cluster.credentials(), request.signal);
      const result = await send(request, credentials);
      if (!('answer' in result) || result.answer.statusCode !== 401) return result;
      cluster.forgetCredentials();
      const fresh = await unlessAborted(cluster.credentials(), request.signal);
      if (isDeepStrictEqual(fresh.headers, credentials.headers)) return result;
      result.answer.resume();
      return send(request, fresh);
    },
    dropIdle: pools.dropIdle,
    close: pools.close,
  };
}

function requestOptions(
  { cluster: { server }, userAgent }: TransportOptions,
  { method, path, body, headers }: TransportRequest,
  credentials: Credentials,
  agent: Agent,
): RequestOptions {
  return {
    method,
    host: server.hostname.replace(/^\[|\]$/g, ''),
    port: server.port || (server.protocol === 'https:' ? 443 : 80),
    path: server.pathname.replace(/\/$/, '') + path,
    agent,
    headers: {
      'User-Agent': userAgent,
      Accept: 'application/json',
      ...(body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }),
      ...credentials.headers,
      ...headers,
    },
  };
}
