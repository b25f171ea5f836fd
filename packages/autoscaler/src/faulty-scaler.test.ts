import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { peerText } from './peers/peer.ts';
import { activity, type FakeDlx, quietDlx, startFakeDlx } from './testing/dlx-peer.ts';
import { faults } from './testing/faulty-scaler.ts';
import { type Program, startProgram } from './testing/program.ts';

const scaler = fileURLToPath(new URL('./testing/faulty-scaler.ts', import.meta.url));
const ports = [
  '--infra-port',
  '0',
  '--infra-host',
  '127.0.0.1',
  '--admin-port',
  '0',
  '--cooldown',
  '1ms',
  '--shutdown-timeout',
  '15s',
];

let program: Program | undefined;
let dlx: FakeDlx;
beforeAll(async () => {
  dlx = await startFakeDlx(quietDlx('dlx-1', { '/activity': () => ({ text: JSON.stringify(activity('dlx-1')) }) }));
});
afterAll(() => dlx.close());
// A second SIGTERM makes it exit at once.
afterEach(() => Promise.all([program?.stop(), program?.stop()]));

test.each(Object.keys(faults))('beside %s, a valid resource is parked', async (fault) => {
  program = startProgram([
    '--scaler',
    scaler,
    '--scaler-option',
    `fault=${fault}`,
    '--dlx-peers',
    peerText(dlx),
    ...ports,
  ]);
  const { infra } = (await program.line(({ msg }) => msg === 'listening')) as {
    infra?: { host: string; port: number };
  };
  if (infra === undefined) throw new Error('no address');
  await program.line(({ msg, resource, end }) => msg === 'park ended' && resource === 'web' && end === 'parked');
  const metrics = await fetch(`http://${infra.host}:${infra.port}/metrics`);
  expect([metrics.status, await metrics.text()]).toEqual([
    200,
    expect.stringContaining('scaler_autoscaler_lease_held 1'),
  ]);
});
