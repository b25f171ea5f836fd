import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerImage } from './cluster/image.ts';
import { listen } from '../listen.ts';
import { createEchoServer, type EchoBehaviour, type EchoRecord, type EchoServer } from '../upstreams/echo-app.ts';
import { duplicatesOf } from '../upstreams/echo-upstream.ts';

/** An in-process image whose containers are echo servers on `POD_IP:PORT` (8080) that remember together. */
export interface EchoImage extends ServerImage {
  /** The behaviour of new containers. `identity` is the pod's name unless it is set here. */
  readonly behaviour: Partial<EchoBehaviour> & { /** Before it listens, in milliseconds. */ startDelayMs?: number };
  /** Requests of all its containers, those that ended included. */
  requests(): EchoRecord[];
  /** The `x-request-id`s that arrived more than once, at whichever containers. */
  duplicates(): string[];
}

export function createEchoImage(behaviour: EchoImage['behaviour'] = {}): EchoImage {
  const servers: EchoServer[] = [];
  const requests = (): EchoRecord[] => servers.flatMap((server) => server.requests);
  return {
    behaviour,
    requests,
    duplicates: () => duplicatesOf(requests()),
    async start({ env, podIP, signal }) {
      const { startDelayMs = 0, ...own } = behaviour;
      if (startDelayMs > 0) await sleep(startDelayMs, undefined, { signal });
      const echo = createEchoServer({ identity: env['HOSTNAME'] ?? podIP, ...own });
      servers.push(echo);
      signal.addEventListener('abort', () => void echo.kill(), { once: true });
      await listen(echo.server, podIP, Number(env['PORT'] ?? 8080));
      return { stop: () => (signal.aborted ? echo.kill() : echo.stop()) };
    },
  };
}
