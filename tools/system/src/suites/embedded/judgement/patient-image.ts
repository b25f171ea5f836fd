import { once } from 'node:events';
import { createServer } from 'node:http';
import type { ServerImage } from '@scaler/testing-kit/kubernetes';
import type { Clock } from '@scaler/scaler-types';

/** An app that answers each request, `/?ms=5000`, so long after it came, by the clock. */
export function createPatientImage(clock: Clock): ServerImage {
  return {
    async start({ podIP, signal }) {
      const server = createServer((request, response) => {
        const waitMs = Number(new URL(request.url ?? '/', 'http://app').searchParams.get('ms') ?? 0);
        request.resume();
        clock.after(waitMs, () => response.end(request.headers['x-request-id']));
      });
      signal.addEventListener('abort', () => server.closeAllConnections(), { once: true });
      server.listen({ host: podIP, port: 8080 });
      await once(server, 'listening');
      return {
        stop: () =>
          new Promise((resolve) => {
            server.close(() => resolve());
            server.closeIdleConnections();
          }),
      };
    },
  };
}
