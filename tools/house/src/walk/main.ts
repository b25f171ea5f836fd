import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { commandLine } from '@scaler/command';
import { createDlx } from '@scaler/dlx';
import {
  type EndpointListener,
  type Logger,
  type Resource,
  type ResourceChange,
  type ResourceScaler,
  systemClock,
} from '@scaler/scaler-types';
import { coveredFiles } from './covered-files.ts';

commandLine({
  name: 'npm run walk',
  doc: 'The files of the product that one cold request goes through in the DLX, by the coverage of that request.',
  options: {},
  examples: { '': 'the files, by room, and their number' },
});

const nothing = (): void => undefined;
const logger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing, child: () => logger };

const app = createServer((_request, response) => response.end('here'));
await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve));
const endpoint = { address: '127.0.0.1', port: (app.address() as AddressInfo).port, id: 'pod-1' };

const asleep: Resource = {
  ...{ namespace: 'shop', name: 'web', scaleResources: [], phase: 'asleep', replicas: 0 },
  targets: [{ service: 'web', port: 80 }],
};
let tell: (change: ResourceChange) => void = nothing;
const listeners = new Set<EndpointListener>();
const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

/** It wakes the resource at once, and tells of its endpoint a moment later. */
const scaler: ResourceScaler = {
  getConfig: () => ({}),
  getResources: () => Promise.resolve([asleep]),
  resolveServiceName: () => `127.0.0.1:${endpoint.port}`,
  watchResources: async (listener, signal) => {
    tell = listener;
    tell({ type: 'set', resource: asleep });
    tell({ type: 'synced' });
    await aborted(signal);
  },
  watchEndpoints: (_target, listener, signal) => {
    listeners.add(listener);
    listener([]);
    signal.addEventListener('abort', () => listeners.delete(listener));
  },
  setScale: async ([resource]) => {
    tell({ type: 'set', resource: { ...asleep, phase: 'waking', replicas: 1 } });
    await new Promise((resolve) => setTimeout(resolve, 20));
    for (const listener of listeners) listener([endpoint]);
    return resource === undefined ? [] : [{ resource, ok: true }];
  },
};

const megabytes = 2 ** 20;
const dlx = createDlx({
  ...{ scaler, clock: systemClock, logger, identity: 'dlx-1' },
  ...{ listenHost: '127.0.0.1', listenPort: 0, trustedPeers: [], pollMs: 5_000 },
  settings: {
    ...{ holdTimeoutMs: 10_000, holdLimit: 100, holdLimitTotal: 100, holdBytesTotal: 100 * megabytes },
    ...{ connectionLimit: 100, overflowStatus: 503, wakeLimit: 10, wakeLimitNamespace: 10 },
    ...{ connectTimeoutMs: 1_000, responseTimeoutMs: 10_000, idleTimeoutMs: 60_000, quietStatus: 200 },
    ...{ trustForwarded: true, targetHeader: 'x-scaler-target', clusterDomain: 'cluster.local' },
  },
});
const stop = new AbortController();
const port = await dlx.listen();
const running = dlx.run(stop.signal);
await dlx.synced;

const files = await coveredFiles(async () => {
  const head = { host: '127.0.0.1', port, headers: { host: 'web.shop.svc', connection: 'close' } };
  const status = await new Promise((resolve, reject) => {
    get(head, (response) => response.resume().on('end', () => resolve(response.statusCode))).on('error', reject);
  });
  if (status !== 200) throw new Error(`The request was answered ${String(status)}`);
});
const own = files.filter((file) => file.startsWith('packages/dlx/'));
for (const file of files) console.log(file);
console.log(`${files.length} files, ${own.length} of them of the DLX`);
stop.abort();
await running;
process.exit(0);
