import { Agent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { isDeepStrictEqual } from 'node:util';
import type { Cluster, Credentials } from '../cluster/credentials.ts';
import type { Lane } from './lane.ts';

/** Sockets are kept apart by lane; watches, which hold theirs for minutes, have their own. */
export type Pool = Lane | 'watch';

/** Keep-alive agents, one for each pool. */
export interface AgentPools {
  agent(pool: Pool, credentials: Credentials): Agent;
  /** Closes the sockets of a pool that no request uses. */
  dropIdle(pool: Pool): void;
  /** Closes all sockets. */
  close(): void;
}

// A dead peer is noticed by the kernel after this and a few probes, if nothing else notices before.
const tcpKeepAliveMs = 15_000;

export function createAgentPools(options: {
  readonly cluster: Cluster;
  readonly maxSockets: Readonly<Record<Lane, number>>;
}): AgentPools {
  const secure = options.cluster.server.protocol === 'https:';
  const agents = new Map<Pool, Agent>();
  let tls: Credentials['tls'] | undefined;

  function create(pool: Pool): Agent {
    const limit = pool === 'watch' ? Infinity : options.maxSockets[pool];
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
    agent: (pool, credentials) => {
      if (credentials.proxy !== undefined) return credentials.proxy;
      // A client certificate or the authorities were renewed: new connections use the new ones.
      if (tls !== credentials.tls && !isDeepStrictEqual(tls, credentials.tls)) retire();
      tls = credentials.tls;
      return agents.get(pool) ?? create(pool);
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

function destroyFree(agent: Agent): void {
  for (const sockets of Object.values(agent.freeSockets)) {
    for (const socket of sockets ?? []) socket.destroy();
  }
}
