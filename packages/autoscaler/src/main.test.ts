import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from '@jest/globals';
import { peerText } from './peers/peer.ts';
import { activity, type FakeDlx, quietDlx, startFakeDlx } from './testing/dlx-peer.ts';
import { type Program, startProgram } from './testing/program.ts';

const scaler = fileURLToPath(new URL('./testing/one-resource-scaler.ts', import.meta.url));
const ports = ['--infra-port', '0', '--infra-host', '127.0.0.1', '--admin-port', '0'];

let program: Program | undefined;
let dlx: FakeDlx | undefined;
afterEach(async () => {
  await program?.stop();
  await dlx?.close();
  program = undefined;
});

interface Address {
  host: string;
  port: number;
}

async function get(address: Address, path: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`http://${peerText(address)}${path}`);
  return { status: response.status, text: await response.text() };
}

test('the program parks an idle resource, shows the reason, and ends in order on SIGTERM', async () => {
  dlx = await startFakeDlx(quietDlx('dlx-1', { '/activity': () => ({ text: JSON.stringify(activity('dlx-1')) }) }));
  program = startProgram(['--scaler', scaler, '--dlx-peers', peerText(dlx), '--identity', 'a-1', ...ports]);
  const { infra, admin } = (await program.line(({ msg }) => msg === 'listening')) as unknown as Record<string, Address>;
  if (!infra || !admin) throw new Error('no addresses');
  expect(await program.line(({ msg }) => msg === 'park ended')).toMatchObject({ resource: 'web', end: 'parked' });
  expect(dlx.asked.filter((asked) => asked.startsWith('POST'))).toEqual(['POST /preflight', 'POST /fence']);

  expect(await get(infra, '/readyz')).toMatchObject({ status: 200 });
  const { text: metrics } = await get(infra, '/metrics');
  expect(metrics).toMatch(/scaler_autoscaler_lease_held 1\n/);
  expect(metrics).toMatch(/scaler_autoscaler_oldest_step_seconds\{phase="waking"\} 0\n/);
  // The scaler's own metrics; one of them has a name that is taken.
  expect(metrics).toMatch(/scaler_switched_total 1\n/);
  expect(await program.line(({ problem }) => problem !== undefined)).toMatchObject({
    problem: 'autoscaler_lease_held: there is a metric of that name already',
  });
  expect(JSON.parse((await get(admin, '/resources')).text)).toMatchObject({
    leads: true,
    resources: [{ namespace: 'default', name: 'web' }],
  });
  const shown = JSON.parse((await get(admin, '/resources/default/web/decisions')).text) as {
    explanation: string;
    decisions: { what: string; reasons: string[] }[];
  };
  expect(shown.decisions.map(({ what }) => what)).toEqual(expect.arrayContaining(['parked', 'park']));
  expect(shown.explanation).toMatch(/^default\/web is /);
  expect(await get(admin, '/resources/default/missing/decisions')).toMatchObject({
    status: 404,
    text: expect.stringContaining('default/missing is not managed'),
  });
  expect(await program.stop()).toBe(0);
});

test('a dry run reports what it would park, writes nothing, and the answers say so', async () => {
  dlx = await startFakeDlx(quietDlx('dlx-1', { '/activity': () => ({ text: JSON.stringify(activity('dlx-1')) }) }));
  program = startProgram(['--scaler', scaler, '--dlx-peers', peerText(dlx), '--dry-run', ...ports]);
  const { admin } = (await program.line(({ msg }) => msg === 'listening')) as unknown as Record<string, Address>;
  if (!admin) throw new Error('no address');
  expect(await program.line(({ msg }) => msg === 'would park')).toMatchObject({ resource: 'web' });
  expect(JSON.parse((await get(admin, '/resources')).text)).toMatchObject({
    resources: [{ phase: 'awake', dryRun: true, last: { what: 'would-park' } }],
  });
  const { text } = await get(admin, '/resources/default/web/decisions');
  expect(text).toContain('it would be parked, but for the dry run: requests at the DLX is 0');
  expect(dlx.asked.filter((asked) => asked.startsWith('POST'))).toEqual([]);
});

test('a wrong setting stops the start with exit code 2 and a sentence', async () => {
  program = startProgram(['--scaler', scaler, '--scale-interval', 'soon']);
  expect(await program.exited).toBe(2);
  expect(program.stderr()).toContain('--scale-interval is "soon", allowed is a duration such as 90s');
});

test('a source that lacks a setting, and a file of queries that is wrong, stop the start with exit code 2', async () => {
  program = startProgram(['--scaler', scaler, '--metrics-source', 'prometheus', ...ports]);
  expect(await program.exited).toBe(2);
  expect(program.stderr()).toContain('--metrics-source prometheus needs --prometheus-url and --prometheus-queries');
  program = startProgram(['--scaler', scaler, '--prometheus-queries', fileURLToPath(import.meta.url), ...ports]);
  expect(await program.exited).toBe(2);
  expect(program.stderr()).toMatch(
    /--prometheus-queries is ".*", allowed is the path of a JSON file of queries \(.*JSON/,
  );
});

test('a scaler that is not there stops the start with exit code 2 and its name', async () => {
  program = startProgram(['--scaler', 'no-such-scaler', ...ports]);
  expect(await program.exited).toBe(2);
  expect(program.stderr()).toContain('the scaler package "no-such-scaler" was not found');
});
