import { Agent } from 'node:http';
import { expect, test } from '@jest/globals';
import { createShutdown, type Shutdown } from '@scaler/runtime';
import { systemClock } from '@scaler/scaler-types';
import { silentLogger } from '@scaler/testing-kit';
import { type Harness, startHarness } from './testing/harness.ts';
import { startEagerUpstream, startUpstream } from './testing/upstream.ts';

const times = { addresses: ['10.0.0.1'], unlistedLimitMs: 5000, propagateMs: 100 };

function shutdownOf(h: Harness, drainTimeoutMs: number, unready: () => void = () => {}): Shutdown {
  const shutdown = createShutdown({ deadlineMs: 10_000, logger: silentLogger, clock: systemClock });
  h.dlx.addDrainSteps(shutdown, { ...times, drainTimeoutMs, unready });
  return shutdown;
}

test('the steps have their numbers and their order', () => {
  const steps: string[] = [];
  const shutdown = { step: (number: number, name: string) => steps.push(`${number} ${name}`) } as unknown as Shutdown;
  return startHarness().then(async (h) => {
    h.dlx.addDrainSteps(shutdown, { ...times, drainTimeoutMs: 1, unready: () => {} });
    expect(steps).toEqual([
      '10 unready',
      '15 unlisted',
      '20 propagate',
      '30 stop accepting',
      '40 finish held and in flight',
      '50 answer the rest',
      '60 close the data path',
    ]);
    await h.end({});
  });
});

test('at the end held and in-flight requests are finished, and until slices forget us new ones are taken', async () => {
  const app = await startUpstream((req, res) => {
    if (req.url === '/slow') setTimeout(() => res.end('slow'), 200);
    else res.end('ok');
  });
  const h = await startHarness();
  h.scaler.set({ name: 'web' });
  h.scaler.set({ name: 'awake', phase: 'awake' });
  h.scaler.endpoints('awake', [app.endpoint]);
  const held = Array.from({ length: 50 }, () => h.send());
  const slow = h.send({ headers: { host: 'awake' }, path: '/slow' });
  await h.until(() => h.held() === 50 && h.dlx.core.accounting.inFlight === 1);
  let ready = true;
  const down = shutdownOf(h, 5000, () => (ready = false)).run();
  await h.until(() => !ready);
  const late = await h.send({ headers: { host: 'awake' }, agent: new Agent({ keepAlive: true }) });
  expect([late.status, late.headers.connection]).toEqual([200, 'close']);
  await new Promise((resolve) => setTimeout(resolve, 150));
  await expect(h.send()).rejects.toThrow('ECONNREFUSED');
  h.scaler.endpoints('web', [app.endpoint]);
  h.scaler.calls[0]?.ok();
  expect((await Promise.all(held)).map(({ body }) => body)).toEqual(Array(50).fill('ok'));
  expect((await slow).body).toBe('slow');
  await down;
  expect(h.dlx.server.connections.size).toBe(0);
  await h.end({ forwarded: 52 });
});

test('what is not finished by the deadline is answered 503 with Retry-After, and what is half answered is reset', async () => {
  const app = await startEagerUpstream((req, res) => {
    if (req.url === '/half') res.writeHead(200).write('half');
  });
  const h = await startHarness();
  h.scaler.set({ name: 'web' });
  h.scaler.set({ name: 'awake', phase: 'awake' });
  h.scaler.endpoints('awake', [app.endpoint]);
  const held = Array.from({ length: 10 }, () => h.send());
  const mute = h.send({ headers: { host: 'awake' }, path: '/mute' });
  const half = h.send({ headers: { host: 'awake' }, path: '/half' });
  const broken = expect(half).rejects.toThrow(/aborted|ECONNRESET/);
  await h.until(() => h.held() === 10 && h.dlx.core.accounting.inFlight === 2);
  await shutdownOf(h, 200).run();
  for (const { status, headers, problem } of await Promise.all([...held, mute])) {
    expect([status, problem.code, headers['retry-after'], headers.connection]).toEqual([503, 'draining', '5', 'close']);
  }
  await broken;
  await h.end({ draining: 12 });
});

test('connections are taken until nothing leads to it any more, and for as long as that takes to spread', async () => {
  const app = await startUpstream((_, res) => res.end('ok'));
  const h = await startHarness();
  h.scaler.set({ name: 'awake', phase: 'awake' });
  h.scaler.endpoints('awake', [app.endpoint]);
  const { promise: unlisted, resolve } = Promise.withResolvers<void>();
  const asked: (readonly string[])[] = [];
  Object.assign(h.dlx.core.scaler, {
    whenUnlisted: (addresses: readonly string[]) => {
      asked.push(addresses);
      return unlisted;
    },
  });
  const down = shutdownOf(h, 1000).run();
  await h.until(() => asked.length === 1);
  expect(asked).toEqual([['10.0.0.1']]);
  await new Promise((done) => setTimeout(done, times.propagateMs + 50));
  expect((await h.send({ headers: { host: 'awake' } })).status).toBe(200);
  resolve();
  await down;
  await h.end({ forwarded: 1 });
});

test('a scaler that cannot tell, or takes too long, holds up nothing for ever', async () => {
  const never = (): Promise<void> => new Promise(() => {});
  for (const whenUnlisted of [() => Promise.reject(new Error('no')), never]) {
    const h = await startHarness();
    Object.assign(h.dlx.core.scaler, { whenUnlisted });
    const shutdown = createShutdown({ deadlineMs: 10_000, logger: silentLogger, clock: systemClock });
    h.dlx.addDrainSteps(shutdown, { ...times, unlistedLimitMs: 20, drainTimeoutMs: 20, unready: () => {} });
    await shutdown.run().catch(() => {});
    await expect(h.send()).rejects.toThrow('ECONNREFUSED');
    await h.end({});
  }
});
