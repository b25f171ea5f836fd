import { setImmediate } from 'node:timers/promises';
import { createMetrics } from '@scaler/runtime';
import { systemClock } from '@scaler/scaler-types';
import { silentLogger } from '@scaler/testing-kit';
import type { Settings } from '../../settings.ts';
import { createDlx } from '../../dlx.ts';
import { ScriptedScaler } from '../scripted-scaler.ts';

// A DLX in a process of its own, with `web` asleep on the shared port and `db`, which speaks TCP, asleep on its own; `app` is
// awake at the port that is given. Asked, it tells what is in use after a collection, and what is counted.

const [settings, tcpPort, appPort] = JSON.parse(process.argv[2] as string) as [Settings, number, number];
const scaler = new ScriptedScaler();
scaler.set({ name: 'web' });
scaler.set({ name: 'db', targets: [{ service: 'db', port: 5432, listenPort: tcpPort, protocol: 'tcp' }] });
scaler.set({ name: 'app', phase: 'awake' });
scaler.endpoints('app', [{ address: '127.0.0.1', port: appPort, id: 'app' }]);
const dlx = createDlx({
  scaler,
  metrics: createMetrics(),
  clock: systemClock,
  logger: silentLogger,
  identity: 'dlx-1',
  settings,
  listenHost: '127.0.0.1',
  listenPort: 0,
  trustedPeers: [],
  pollMs: 50,
});
const { gc } = globalThis as unknown as { gc(): void };

process.on('message', (collects) => void tell(collects === true));
const port = await dlx.listen();
void dlx.run(new AbortController().signal);
await dlx.synced;
process.send?.(port);

async function tell(collects: boolean): Promise<void> {
  for (let i = 0; collects && i < 4; i++) {
    await setImmediate();
    gc();
  }
  // What it reads of the process needs a file.
  const { heapUsed, external, rss } = collects ? process.memoryUsage() : { heapUsed: 0, external: 0, rss: 0 };
  const { held, heldBytes, inFlight, ledger } = dlx.core.accounting;
  process.send?.({ used: heapUsed + external, rss, held, heldBytes, inFlight, ledger: ledger.total });
}
