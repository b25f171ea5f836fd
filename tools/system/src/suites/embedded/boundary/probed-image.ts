import { once } from 'node:events';
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerImage } from '@scaler/testing-kit/kubernetes';

/** The events of one instance; all times are `performance.now()`. */
export interface Instance {
  /** When it could be ready: it accepts connections, and answers its probe. */
  readyAtMs: number;
  /** When each probe before that arrived, as far as the instance could see them. */
  readonly probesMs: number[];
  /** When the head of each request arrived, by `x-request-id`. */
  readonly requestsMs: Map<string, number>;
}

export interface ProbedImage extends ServerImage {
  /** By pod name. */
  readonly instances: ReadonlyMap<string, Instance>;
}

/** By default an instance is ready after so many milliseconds. */
export const startDelayMs = 150;

/**
 * An image whose instances record when exactly they could have served. Half of them do not accept connections until
 * then; the others do, and answer their probe 503, which shows how often they are probed.
 */
export function createProbedImage(delayMs: number = startDelayMs): ProbedImage {
  const instances = new Map<string, Instance>();
  let count = 0;
  return {
    instances,
    async start({ env, podIP, signal }) {
      const instance: Instance = { readyAtMs: Number.POSITIVE_INFINITY, probesMs: [], requestsMs: new Map() };
      instances.set(env['HOSTNAME'] ?? podIP, instance);
      const server = http.createServer((request, response) => serve(instance, request, response));
      server.keepAliveTimeout = 60_000;
      const listensFirst = count++ % 2 === 0;
      const listen = async (): Promise<void> => {
        server.listen({ host: podIP, port: Number(env['PORT']), backlog: 4096 });
        await once(server, 'listening');
      };
      if (listensFirst) await listen();
      await sleep(delayMs, undefined, { signal });
      if (!listensFirst) await listen();
      instance.readyAtMs = performance.now();
      return { stop: () => stop(server, signal) };
    },
  };
}

function serve(instance: Instance, request: http.IncomingMessage, response: http.ServerResponse): void {
  const nowMs = performance.now();
  const id = String(request.headers['x-request-id'] ?? '');
  const ready = nowMs >= instance.readyAtMs;
  if (request.url === '/healthz') {
    if (!ready) instance.probesMs.push(nowMs);
  } else if (!instance.requestsMs.has(id)) {
    instance.requestsMs.set(id, nowMs);
  }
  request.resume();
  request.on('end', () => response.writeHead(ready ? 200 : 503).end(id));
}

function stop(server: http.Server, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    if (signal.aborted) server.closeAllConnections();
    else signal.addEventListener('abort', () => server.closeAllConnections(), { once: true });
  });
}
