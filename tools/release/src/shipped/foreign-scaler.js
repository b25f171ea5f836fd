// A scaler as an author writes it who has read the README of @scaler/scaler-types, and nothing else: a shop, whose state
// every process reads from a file, and whose server the DLX starts.
import { once } from 'node:events';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { ScalerError } from '@scaler/scaler-types';

export function createResourceScaler({ options, logger, role }) {
  const { file, ...others } = options;
  for (const name of Object.keys(others))
    throw new ScalerError('invalid-resource', `there is no option ${name}, only file`);
  const shop = { namespace: 'acme', name: 'shop' };
  let server;
  let starts;
  const read = async () => JSON.parse(await readFile(file, 'utf8'));
  const write = async (state) => {
    await writeFile(`${file}.${role}`, JSON.stringify(state));
    await rename(`${file}.${role}`, file);
  };
  const stop = () => {
    server?.close();
    server?.closeAllConnections();
    server = undefined;
  };

  async function sleep({ preflight, confirm, signal }) {
    const reasons = (await preflight?.(shop, signal)) ?? [];
    if (reasons.length > 0) throw new ScalerError('park-refused', reasons.join('; '));
    const answer = await confirm?.({ resource: shop, epoch: String(Date.now()), addresses: [] }, signal);
    if (answer?.ok === false) throw new ScalerError('park-cancelled', answer.reason);
    await write({ ...(await read()), phase: 'asleep' });
  }

  async function wake() {
    const state = await read();
    if (state.phase === 'awake' && server !== undefined) return;
    starts = state.starts + 1;
    server ??= createServer((_request, response) => response.end(`open, start ${starts}`)).listen(0, '127.0.0.1');
    if (!server.listening) await once(server, 'listening');
    await write({ phase: 'awake', starts });
  }

  return {
    getConfig: () => ({
      autoscaler: { lease: false, metricsSource: 'none', scaleInterval: '200ms', cooldown: '200ms' },
      dlx: { resourceInterval: '200ms', listenHost: '127.0.0.1' },
    }),
    async getResources(namespace = shop.namespace) {
      const { phase, starts: ended } = await read();
      // A start that is under way is not in the file yet.
      if (phase === 'asleep' && ended === starts) stop();
      const targets = [{ service: 'shop', port: 80 }];
      const idle = { scaleResources: [], dlxSeesAll: true, idleAfterMs: 1000 };
      return namespace === shop.namespace
        ? [{ ...shop, phase, replicas: phase === 'asleep' ? 0 : 1, targets, ...idle }]
        : [];
    },
    resolveServiceName: () => `127.0.0.1:${server.address().port}`,
    setScale: (resources, scale, options) =>
      Promise.all(
        resources.map(async (resource) => {
          try {
            await (scale === 0 ? sleep(options) : wake());
            logger.info('shop switched', { scale, reason: options.reason.text });
            return { resource, ok: true };
          } catch (error) {
            return { resource, ok: false, error };
          }
        }),
      ),
    close: async () => stop(),
  };
}
