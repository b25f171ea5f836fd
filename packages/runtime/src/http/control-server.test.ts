import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createMetrics, type Metrics } from '../metrics/metrics.ts';
import { createLogSink } from '../testing/log-sink.ts';
import { createManualClock } from '../testing/manual-clock.ts';
import { movedRoutes, startControlServer } from './control-server.ts';
import type { InfraRoute, InfraServer } from './route-server.ts';
import { createTokenFile } from './token-file.ts';

let file: string;
let server: InfraServer;
let metrics: Metrics;
let handled = 0;
const clock = createManualClock();
const sink = createLogSink();
const fence: InfraRoute = { method: 'POST', path: '/fence', handle: ({ body }) => ({ body: { n: ++handled, body } }) };

beforeEach(async () => {
  file = join(mkdtempSync(join(tmpdir(), 'control-')), 'token');
  handled = 0;
  metrics = createMetrics();
  writeFileSync(file, 'first\n');
  const tokens = createTokenFile({ file, clock, logger: sink.logger });
  server = await startControlServer({
    host: '127.0.0.1',
    port: 0,
    tokens,
    routes: [fence],
    metrics,
    logger: sink.logger,
    clock,
  });
});
afterEach(() => server.close());

async function ask(authorization?: string): Promise<number> {
  const url = `http://127.0.0.1:${server.address.port}/fence`;
  const headers = authorization === undefined ? {} : { authorization };
  return (await fetch(url, { method: 'POST', body: '{}', headers })).status;
}

test('the token opens it, nothing else does, and a request without it is not handled', async () => {
  expect(await Promise.all([ask(), ask('Bearer'), ask('Bearer firs'), ask('Basic first'), ask('first')])).toEqual([
    401, 401, 401, 401, 401,
  ]);
  expect(handled).toBe(0);
  expect(await metrics.text()).toMatch(/^\S*control_refused_total 5$/m);
  expect(await ask('Bearer first')).toBe(200);
  expect((await fetch(`http://127.0.0.1:${server.address.port}/metrics`)).status).toBe(401);
});

test('a rotated token is known a second later; while the file has both, both are', async () => {
  expect(await ask('Bearer first')).toBe(200);
  writeFileSync(file, 'second\nfirst\n');
  await clock.advance(1_000);
  expect([await ask('Bearer first'), await ask('Bearer second')]).toEqual([200, 200]);
  writeFileSync(file, 'second');
  await clock.advance(1_000);
  expect([await ask('Bearer first'), await ask('Bearer second')]).toEqual([401, 200]);
});

test('a file that is gone or empty leaves the last token, and is logged once, not for each request', async () => {
  expect(await ask('Bearer first')).toBe(200);
  const before = sink.lines().length;
  rmSync(file);
  for (let i = 0; i < 3; i++) {
    await clock.advance(1_000);
    expect([await ask('Bearer first'), await ask('Bearer ')]).toEqual([200, 401]);
  }
  writeFileSync(file, '\n\n');
  await clock.advance(1_000);
  expect([await ask('Bearer first'), await ask('Bearer ')]).toEqual([200, 401]);
  expect(sink.lines().length - before).toBe(1);
});

test('a request without the token is answered before its body comes, and its connection ends', async () => {
  const socket = connect(server.address.port, '127.0.0.1');
  socket.write('POST /fence HTTP/1.1\r\nhost: x\r\ncontent-length: 9000000\r\n\r\n');
  let text = '';
  socket.on('data', (chunk) => (text += String(chunk)));
  await once(socket, 'close');
  expect(text).toMatch(/^HTTP\/1\.1 401 [^]*connection: close[^]*"code":"unauthorized"/i);
});

test('the same paths on another port name the control port, and do nothing', async () => {
  const [moved] = movedRoutes([fence]);
  const reply = await moved?.handle({} as never);
  expect(reply).toMatchObject({ status: 401, body: { detail: expect.stringContaining('control port') } });
  expect(handled).toBe(0);
});
