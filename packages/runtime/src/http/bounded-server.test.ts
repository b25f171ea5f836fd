import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { createMetrics } from '../metrics/metrics.ts';
import { createLogSink } from '../testing/log-sink.ts';
import { createManualClock } from '../testing/manual-clock.ts';
import { createChecks } from './checks.ts';
import { startInfraServer } from './infra-server.ts';
import { createMetricsText } from './metrics-text.ts';
import { PeerRates } from './peer-rates.ts';
import { type InfraServer, startRouteServer } from './route-server.ts';

let server: InfraServer | undefined;
afterEach(() => server?.close());

test('an address that floods a route is answered 429; health and metrics are never refused, and it passes', async () => {
  const clock = createManualClock();
  const metrics = createMetrics();
  let handled = 0;
  server = await startInfraServer({
    ...{
      host: '127.0.0.1',
      port: 0,
      readiness: createChecks(),
      metrics,
      logger: createLogSink().logger,
    },
    routes: [{ method: 'POST', path: '/fence', handle: () => ({ body: { handled: ++handled } }) }],
    rate: { perSecond: 2, burst: 3 },
    clock,
  });
  const url = `http://127.0.0.1:${server.address.port}`;
  const fence = async (): Promise<number> => (await fetch(`${url}/fence`, { method: 'POST' })).status;
  expect([await fence(), await fence(), await fence(), await fence()]).toEqual([200, 200, 200, 429]);
  for (const path of ['/healthz', '/readyz', '/metrics']) expect((await fetch(url + path)).status).toBe(200);
  await clock.advance(1_000);
  expect([await fence(), await fence(), await fence()]).toEqual([200, 200, 429]);
  expect(handled).toBe(5);
  expect(await metrics.text()).toMatch(/^\S*infra_refused_total 2$/m);
});

test('addresses are counted apart, and the memory of them is bounded', async () => {
  const rates = new PeerRates({ perSecond: 1, burst: 1 }, createManualClock());
  expect([rates.take('a'), rates.take('a'), rates.take('b')]).toEqual([true, false, true]);
  for (let i = 0; i < 5_000; i++) {
    rates.take(`10.0.${i >> 8}.${i & 255}`);
    // One that goes on asking is not forgotten for others.
    expect(rates.take('a')).toBe(false);
  }
  expect(rates.size).toBe(1_024);
});

test('metrics take a tenth of the time at most: a text serves every scrape for nine times as long as it took', async () => {
  const clock = createManualClock();
  let written = 0;
  const text = createMetricsText(
    {
      text: async () => {
        await clock.advance(10);
        return `text ${++written}`;
      },
    },
    clock,
  );
  expect(await Promise.all([text(), text(), text()])).toEqual(['text 1', 'text 1', 'text 1']);
  await clock.advance(89);
  expect(await text()).toBe('text 1');
  await clock.advance(1);
  expect(await text()).toBe('text 2');
});

test('metrics that could not be written are written anew', async () => {
  const answers = [Promise.reject(new Error('boom')), Promise.resolve('well')];
  const text = createMetricsText({ text: () => answers.shift() as Promise<string> }, createManualClock());
  await expect(text()).rejects.toThrow('boom');
  expect(await text()).toBe('well');
});

test('connections are bounded, and the oldest ends: a probe gets through, however many a client holds', async () => {
  const bounds = { perAddress: 3, total: 5 };
  const logger = createLogSink().logger;
  const route = {
    method: 'GET',
    path: '/healthz',
    reply: () => ({ status: 200, contentType: 'text/plain', text: 'ok' }),
  } as const;
  const place = { name: 'test', host: '127.0.0.1', port: 0, logger, clock: createManualClock() };
  server = await startRouteServer({ ...place, routes: [route], connections: bounds });
  const { port } = server.address;
  const open = async (localAddress: string): Promise<{ gone: boolean }> => {
    const state = { gone: false };
    const socket = connect({ port, host: '127.0.0.1', localAddress }).on('close', () => (state.gone = true));
    await once(socket, 'connect');
    // Its first byte is read behind its 'connection'.
    socket.write('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n');
    await Promise.race([once(socket, 'data'), once(socket, 'close')]);
    return state;
  };
  const greedy = [await open('127.0.0.2'), await open('127.0.0.2'), await open('127.0.0.2'), await open('127.0.0.2')];
  const others = [await open('127.0.0.3'), await open('127.0.0.4'), await open('127.0.0.5')];
  expect((await fetch(`http://127.0.0.1:${port}/healthz`, { headers: { connection: 'close' } })).status).toBe(200);
  await new Promise((resolve) => setImmediate(resolve));
  expect(others.map(({ gone }) => gone)).toEqual([false, false, false]);
  expect(greedy[0]?.gone).toBe(true);
  expect(greedy.filter(({ gone }) => gone).length).toBeGreaterThanOrEqual(2);
});
