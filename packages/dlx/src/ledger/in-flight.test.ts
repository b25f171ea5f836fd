import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { expect, test } from '@jest/globals';
import { createFakeClock } from '@scaler/testing-kit';
import { type Harness, startAwake, startHarness } from '../testing/harness.ts';
import { connectHttp2, open2, startHttp2App } from '../testing/http2.ts';
import { endOf } from '../testing/stream.ts';
import { startRaw } from '../testing/tcp.ts';
import { startEagerUpstream, startTcp } from '../testing/upstream.ts';
import { silenceLookMs } from '../sockets/silence.ts';

const get = 'GET / HTTP/1.1\r\nhost: web\r\n\r\n';
const perRequest = 24_576 + 96 + 7 + 1;

test('an app that hangs gets its share of what may be in flight; the next is answered at once, and others go on', async () => {
  const hanging: ServerResponse[] = [];
  const app = await startEagerUpstream((_req, res) => void hanging.push(res));
  const good = await startEagerUpstream((_req, res) => res.end('ok'));
  const h = await startAwake([app], { settings: { holdBytesTotal: 1_000_000 } });
  h.scaler.endpoints('good', [good.endpoint]);
  h.scaler.set({ name: 'good', namespace: 'other', phase: 'awake' });
  const clients: ReturnType<typeof endOf>[] = [];
  for (let i = 0; i < 40; i++) clients.push(endOf(await h.raw(get)));
  await h.until(() => h.dlx.core.accounting.accepted === 40);
  const { accounting } = h.dlx.core;
  const refused = accounting.outcomes.overflow;
  expect(refused).toBeGreaterThan(10);
  expect(accounting.ledger.namespaces.get('default')?.bytes).toBe((40 - refused) * perRequest);
  expect(await h.metric('dlx_ledger_namespace_bytes{namespace="default"}')).toBe((40 - refused) * perRequest);
  expect(await h.metric('dlx_bounds_met_total{bound="memory",namespace="default"}')).toBe(refused);
  await h.until(() => clients.filter((one) => one.heard().includes('503 ')).length === refused);
  expect((await h.send({ headers: { host: 'good.other' } })).body).toBe('ok');
  for (const { socket } of clients) socket.destroy();
  await h.until(() => accounting.inFlight === 0 && accounting.connections.count === 0);
  expect([accounting.ledger.held, accounting.ledger.inFlight]).toEqual([0, 0]);
  await h.end({ overflow: refused, 'client-gone': 40 - refused, forwarded: 1 });
});

test('beyond the limit of connections the next is closed, and is counted by the namespace of its port', async () => {
  const h = await startHarness({ settings: { connectionLimit: 10 } });
  h.scaler.set({ name: 'web' });
  const clients: ReturnType<typeof endOf>[] = [];
  // The shared port takes three times what is still free.
  for (let i = 0; i < 11; i++) clients.push(endOf(await h.raw('')));
  await h.until(() => clients.filter(({ events }) => events.includes('end')).length === 3, 'the others are closed');
  expect(await h.metric('dlx_connections')).toBe(8);
  expect(await h.metric('dlx_bounds_met_total{bound="connections",namespace=""}')).toBe(3);
  clients[0]?.socket.destroy();
  await h.until(() => h.dlx.core.accounting.connections.count === 7);
  clients.push(endOf(await h.raw(get)));
  await h.until(() => h.held() === 1);
  for (const { socket } of clients) socket.destroy();
  await h.end({ 'client-gone': 1 });
});

const looks = async (h: Harness, clock: ReturnType<typeof createFakeClock>, ms: number): Promise<void> => {
  for (let passed = 0; passed < ms; passed += silenceLookMs * 20) {
    await clock.advance(silenceLookMs * 20);
    for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
  }
  expect(h.dlx.core.accounting.accepted).toBeGreaterThan(0);
};

/** A client that asks for more than it takes, when what it does not take waits with us. */
async function stalled(h: Harness, count: number): Promise<ReturnType<typeof endOf>[]> {
  const ends: ReturnType<typeof endOf>[] = [];
  for (let i = 0; i < count; i++) {
    const socket = await h.raw(get);
    ends.push(endOf(socket));
    socket.pause();
  }
  await h.until(() => [...h.dlx.server.connections].every(({ socket }) => socket.writableNeedDrain), 'all stand still');
  return ends;
}

test.each([
  ['is over its mark: it ends after a minute', 1_000_000, 0],
  ['is not: it lives on', 100_000_000, 1],
])('a reader that stalls while the ledger %s', async (_name, limit, left) => {
  const clock = createFakeClock();
  const app = await startEagerUpstream((_req, res) => void res.end(Buffer.alloc(64 * 2 ** 20)));
  const h = await startAwake([app], { clock, settings: { holdBytesTotal: limit, idleTimeoutMs: 3_600_000 } });
  const [one] = await stalled(h, 1);
  h.dlx.core.accounting.ledger.kept += 750_000;
  await looks(h, clock, 55_000);
  expect(h.dlx.server.connections.size).toBe(1);
  await looks(h, clock, 15_000);
  await h.until(() => h.dlx.server.connections.size === left);
  expect(await h.metric('dlx_bounds_met_total{bound="stalled",namespace="default"}')).toBe(1 - left);
  one?.socket.destroy();
  await h.end({ 'client-gone': 1 });
});

test.each([
  ['is over its mark: it ends after a minute', 1_000_000, 0],
  ['is not: it lives on', 100_000_000, 2],
])('a raw connection whose client stalls while the ledger %s', async (_name, limit, left) => {
  const clock = createFakeClock();
  const { h, dial, wake, app } = await startRaw(undefined, {
    clock,
    settings: { holdBytesTotal: limit, idleTimeoutMs: 86_400_000 },
  });
  const pager = await dial('SELECT');
  await wake();
  const server = await app(0, 'SELECT');
  pager.socket.pause();
  server.socket.write(Buffer.alloc(32 * 2 ** 20));
  const [connection] = h.dlx.server.connections;
  await h.until(() => connection?.socket.writableNeedDrain === true, 'it stands still');
  h.dlx.core.accounting.ledger.kept += 800_000;
  await looks(h, clock, 55_000);
  expect(h.dlx.core.tunnels.size).toBe(1);
  await looks(h, clock, left > 0 ? 3_600_000 : 10_000);
  await h.until(() => h.dlx.core.tunnels.size === Math.min(1, left));
  pager.socket.destroy();
  server.socket.destroy();
  await h.end({ 'client-gone': 1 });
});

test('what an HTTP/2 client does not take, and what an endpoint does not take of it, is counted', async () => {
  const clock = createFakeClock();
  const app = await startHttp2App((stream) => void stream.respond({ ':status': 200 }));
  const h = await startAwake([app], { clock });
  const session = connectHttp2(h.port);
  const { ledger } = h.dlx.core.accounting;
  const { stream } = open2(session, { ':method': 'POST', ':path': '/' }, undefined);
  stream.write(Buffer.alloc(300_000));
  await once(stream, 'response');
  const before = ledger.inFlight;
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
  await looks(h, clock, 1000);
  expect(ledger.inFlight - before).toBeGreaterThan(60_000);
  expect(ledger.inFlight - before).toBeLessThan(300_000);
  stream.close();
  await h.until(() => h.dlx.core.accounting.inFlight === 0);
  await h.end({ 'client-gone': 1 });
});

test('an HTTP/2 connection is counted as what its session takes, until it closes', async () => {
  const h = await startHarness();
  const { ledger } = h.dlx.core.accounting;
  const session = connectHttp2(h.port);
  await once(session, 'remoteSettings');
  expect(ledger.inFlight).toBe(4096 + 20_480);
  session.destroy();
  await h.until(() => h.dlx.core.accounting.connections.count === 0);
  expect(ledger.inFlight).toBe(0);
  await h.end({});
});

test('heads that do not become whole are counted, and end after 10 s while memory is short', async () => {
  const clock = createFakeClock();
  const h = await startHarness({ clock, settings: { holdBytesTotal: 400_000 } });
  const { accounting } = h.dlx.core;
  const slow: ReturnType<typeof endOf>[] = [];
  for (let i = 0; i < 8; i++) slow.push(endOf(await h.raw(`GET / HTTP/1.1\r\nx: ${'a'.repeat(50_000)}`)));
  const sockets = [...h.dlx.server.connections].map(({ socket }) => socket);
  await h.until(() => sockets.every(({ bytesRead }) => bytesRead > 50_000));
  for (let i = 0; i < 4; i++) await clock.advance(silenceLookMs);
  expect(accounting.ledger.inFlight).toBeGreaterThan(8 * 50_000);
  // No more come in meanwhile.
  const late = endOf(await h.raw(get));
  await h.until(() => late.events.length > 0, 'it is closed');
  for (let ms = 0; ms < 11_000; ms += silenceLookMs) await clock.advance(silenceLookMs);
  await h.until(() => accounting.ledger.inFlight <= 0.8 * 400_000);
  expect(h.dlx.server.connections.size).toBe(5);
  expect(accounting.ledger.inFlight).toBeGreaterThan(0);
  for (const { socket } of slow) socket.destroy();
  await h.until(() => accounting.connections.count === 0);
  expect(accounting.ledger.inFlight).toBe(0);
  await h.end({ 'bad-request': 5 });
});

test('a body that goes on after an early answer takes nothing, however much of it comes', async () => {
  const clock = createFakeClock();
  const app = await startTcp((socket) => void socket.pause());
  const h = await startAwake([app], { clock, settings: { holdBytesTotal: 1_000_000, responseTimeoutMs: 5000 } });
  const { ledger } = h.dlx.core.accounting;
  const client = await h.raw('POST / HTTP/1.1\r\nhost: web\r\ncontent-length: 1000000000\r\n\r\n');
  const heard = endOf(client);
  client.write(Buffer.alloc(24 * 2 ** 20));
  for (let i = 0; i < 100 && !heard.heard().includes('504'); i++) await looks(h, clock, 1000);
  await h.until(() => heard.heard().includes('504'));
  const [connection] = h.dlx.server.connections;
  await h.until(() => (connection?.socket.bytesRead ?? 0) > 24 * 2 ** 20);
  await looks(h, clock, 5000);
  expect(ledger.inFlight).toBeLessThan(200_000);
  client.destroy();
  await h.until(() => h.dlx.server.connections.size === 0);
  expect(ledger.inFlight).toBe(0);
  await h.end({ 'upstream-timeout': 1 });
});
