import { createServer } from 'node:http';
import type { ServerImage } from '@scaler/testing-kit/kubernetes';
import { createSandbox } from '../sim/sandbox.ts';
import type { Simulation } from './simulation.ts';

/** Header of the requests that count as use; its value is the id of the request. */
export const requestHeader = 'x-chaos-request';
/** Header with the milliseconds that its answer takes. */
export const slowHeader = 'x-chaos-slow-ms';
/** Path at which the scaler asks a pod whether its resource may sleep. */
export const vetoPath = '/may-sleep';
const port = 8080;

/**
 * The image of the fleet's pods: answers with its pod's name, and reports each request that counts as use. `mayStop` gives the
 * status with which it answers whether its resource may sleep; undefined: it does not answer.
 */
export function createAppImage(
  { timeline, activity }: Pick<Simulation, 'timeline' | 'activity'>,
  onRequest: (resource: string, id: number) => void,
  mayStop: (resource: string) => number | undefined,
): ServerImage {
  return {
    start: async ({ env, podIP, signal }) => {
      const bootMs = Number(env['BOOT_MS'] ?? 0);
      if (bootMs > 0) await timeline.clock.sleep(bootMs, signal);
      const started = activity.hold();
      const sandbox = createSandbox();
      const server = createServer((request, response) => {
        activity.note();
        const resource = env['RESOURCE'] ?? '';
        if (request.url === vetoPath) {
          const status = mayStop(resource);
          if (status !== undefined) response.writeHead(status).end();
          return;
        }
        const id = request.headers[requestHeader];
        if (id !== undefined) onRequest(resource, Number(id));
        const slowMs = Number(request.headers[slowHeader] ?? 0);
        if (slowMs > 0) timeline.clock.after(slowMs, () => response.end(env['HOSTNAME']));
        else response.end(env['HOSTNAME']);
      });
      const killed = new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => {
          sandbox.kill();
          resolve();
        });
      });
      const listens = new Promise<void>((resolve) => sandbox.run(() => server.listen(port, podIP, resolve)));
      await Promise.race([listens, killed]);
      started();
      return {
        stop: () =>
          new Promise<void>((resolve) => {
            if (sandbox.dead) return resolve();
            server.close(() => resolve());
            server.closeIdleConnections();
            // As a process that gives its open requests a moment, and then ends.
            timeline.clock.after(500, () => server.closeAllConnections());
          }),
      };
    },
  };
}
