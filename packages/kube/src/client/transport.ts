import { Agent, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { isDeepStrictEqual } from 'node:util';
import { unlessAborted } from '@scaler/async';
import type { Cluster, Credentials } from '../cluster/credentials.ts';
import { exchange, type ExchangeResult } from './exchange.ts';
import type { Lane, LaneBudget } from './lane.ts';

/** Sockets are kept apart by lane; watches, which hold theirs for minutes, have their own. */
export type Pool = Lane | 'watch';

interface TransportRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly pool: Pool;
  readonly signal: AbortSignal;
}

export interface TransportOptions {
  readonly cluster: Cluster;
  readonly userAgent: string;
  readonly budgets: Readonly<Record<Lane, LaneBudget>>;
}

export type Transport = ReturnType<typeof createTransport>;

/**
 * Requests on keep-alive sockets with the cluster's credentials. No retries but one when the credentials were refused. Opens
 * nothing yet.
 */
export function createTransport(options: TransportOptions) {
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
    open: async (request: TransportRequest): Promise<ExchangeResult> => {
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

// A dead peer is noticed by the kernel after this and a few probes, if nothing else notices before.
const tcpKeepAliveMs = 15_000;

/** Keep-alive agents, one for each pool. */
function createAgentPools({ cluster, budgets }: TransportOptions) {
  const secure = cluster.server.protocol === 'https:';
  const agents = new Map<Pool, Agent>();
  let tls: Credentials['tls'] | undefined;

  function create(pool: Pool): Agent {
    const limit = pool === 'watch' ? Infinity : budgets[pool].concurrency;
    const common = { keepAlive: true, keepAliveMsecs: tcpKeepAliveMs, maxSockets: limit, maxFreeSockets: limit };
    const agent = secure ? new HttpsAgent({ ...common, ...tls }) : new Agent(common);
    agents.set(pool, agent);
    return agent;
  }

  // A socket in use stays open until its answer is there.
  function retire(): void {
    for (const agent of agents.values()) {
      agent.maxFreeSockets = 0;
      destroyFree(agent);
    }
    agents.clear();
  }

  return {
    agent: (pool: Pool, credentials: Credentials): Agent => {
      if (credentials.proxy !== undefined) return credentials.proxy;
      // A client certificate or the authorities were renewed: new connections use the new ones.
      if (tls !== credentials.tls && !isDeepStrictEqual(tls, credentials.tls)) retire();
      tls = credentials.tls;
      return agents.get(pool) ?? create(pool);
    },
    /** Closes the sockets of a pool that no request uses. */
    dropIdle: (pool: Pool): void => {
      const agent = agents.get(pool);
      if (agent !== undefined) destroyFree(agent);
    },
    /** Closes all sockets. */
    close: (): void => {
      for (const agent of agents.values()) agent.destroy();
      agents.clear();
    },
  };
}

function destroyFree(agent: Agent): void {
  for (const sockets of Object.values(agent.freeSockets)) {
    for (const socket of sockets ?? []) socket.destroy();
  }
}
