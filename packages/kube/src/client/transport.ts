import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { isDeepStrictEqual } from 'node:util';
import type { Cluster, Credentials } from './cluster.ts';
import { exchange, type ExchangeResult } from './exchange.ts';
import { unlessAborted } from './unless-aborted.ts';
import type { Lane } from './lane.ts';

/** Sockets are kept apart by lane; watches, which hold theirs for minutes, have their own. */
export type Pool = Lane | 'watch';

export interface TransportRequest {
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

// A dead peer is noticed by the kernel after this and a few probes, if nothing else notices before.
const tcpKeepAliveMs = 15_000;

export function createTransport({ cluster, userAgent, maxSockets }: TransportOptions): Transport {
  const secure = cluster.server.protocol === 'https:';
  const prefix = cluster.server.pathname.replace(/\/$/, '');
  const agents = new Map<Pool, HttpAgent>();
  let tls: Credentials['tls'] | undefined;

  function agentFor(pool: Pool, credentials: Credentials): HttpAgent {
    if (credentials.proxy !== undefined) return credentials.proxy;
    // A client certificate was renewed: what is open stays, new connections use the new one.
    if (tls !== undefined && !isDeepStrictEqual(tls, credentials.tls)) retireAgents();
    tls = credentials.tls;
    let agent = agents.get(pool);
    if (agent === undefined) {
      const limit = pool === 'watch' ? Infinity : maxSockets[pool];
      const options = { keepAlive: true, keepAliveMsecs: tcpKeepAliveMs, maxSockets: limit, maxFreeSockets: limit };
      agent = secure ? new HttpsAgent({ ...options, ...tls }) : new HttpAgent(options);
      agents.set(pool, agent);
    }
    return agent;
  }

  function retireAgents(): void {
    for (const agent of agents.values()) {
      agent.maxFreeSockets = 0;
      destroyFree(agent);
    }
    agents.clear();
  }

  async function send(request: TransportRequest, credentials: Credentials): Promise<ExchangeResult> {
    const { body } = request;
    return exchange({
      what: `${request.method} ${request.path}`,
      secure,
      body,
      signal: request.signal,
      request: {
        method: request.method,
        host: cluster.server.hostname.replace(/^\[|\]$/g, ''),
        port: cluster.server.port || (secure ? 443 : 80),
        path: prefix + request.path,
        agent: agentFor(request.pool, credentials),
        headers: {
          'User-Agent': userAgent,
          Accept: 'application/json',
          ...(body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }),
          ...credentials.headers,
          ...request.headers,
        },
      },
    });
  }

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
    dropIdle: (pool) => {
      const agent = agents.get(pool);
      if (agent !== undefined) destroyFree(agent);
    },
    close: () => {
      for (const agent of agents.values()) agent.destroy();
      agents.clear();
    },
  };
}

function destroyFree(agent: HttpAgent): void {
  for (const sockets of Object.values(agent.freeSockets)) {
    for (const socket of sockets ?? []) socket.destroy();
  }
}
