import type { Socket } from 'node:net';
import { expect, test } from '@jest/globals';
import { createShutdown } from '@scaler/runtime';
import { createFakeClock, silentLogger } from '@scaler/testing-kit';
import { peerRoutes } from '../control/peer.ts';
import { drainTimes, endpoint } from '../testing/harness.ts';
import { startRaw } from '../testing/tcp.ts';
import { refusingEndpoint, startTcp } from '../testing/upstream.ts';

const serverFirst = { protocol: 'tcp', speaksFirst: 'server' } as const;

test('a command for a sleeping Redis is held, and sent from its first byte once it is awake', async () => {
  const { h, dial, wake, app } = await startRaw();
  const client = await dial('*1\r\n$4');
  const { options } = await h.scaler.call(0);
  expect(options.reason.text).toBe('a request for db:5432 arrived');
  client.socket.write('\r\nPING\r\n');
  await wake();
  const redis = await app(0, '*1\r\n$4\r\nPING\r\n');
  redis.socket.write('+PONG\r\n');
  await client.hears('+PONG\r\n');
  expect(h.dlx.core.accounting.openStreams).toBe(1);
  client.socket.write('*1\r\n$4\r\nQUIT\r\n');
  await app(0, 'QUIT');
  redis.socket.end('+OK\r\n');
  await client.saw('end');
  expect(client.heard()).toBe('+PONG\r\n+OK\r\n');
  client.socket.end();
  await h.end({ forwarded: 1 });
});

test("a PostgreSQL client's startup goes through in its steps", async () => {
  const { h, dial, wake, app } = await startRaw();
  const client = await dial(Buffer.from([0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f]));
  await wake();
  const postgres = await app(0, '\x04\xd2\x16\x2f');
  postgres.socket.write('N');
  await client.hears('N');
  client.socket.write(Buffer.from('\0\0\0\x11\0\x03\0\0user\0me\0\0', 'latin1'));
  await app(0, 'user\0me');
  postgres.socket.write('R\0\0\0\x08\0\0\0\0');
  await client.hears('R\0\0\0\x08');
  client.socket.end('X\0\0\0\x04');
  await postgres.saw('end');
  postgres.socket.end();
  await h.end({ forwarded: 1 });
});

test('where the server speaks first the connection itself wakes, and the banner comes through', async () => {
  const { h, dial, wake, app } = await startRaw(serverFirst);
  const client = await dial();
  await wake();
  const mail = await app(0);
  mail.socket.write('220 mail\r\n');
  await client.hears('220 mail\r\n');
  client.socket.end('QUIT\r\n');
  await app(0, 'QUIT\r\n');
  mail.socket.end();
  await h.end({ forwarded: 1 });
});

test('a check that only connects does not wake where the client speaks first, and is not counted', async () => {
  const { h, dial } = await startRaw();
  for (const leave of ['end', 'resetAndDestroy'] as const) {
    const check = await dial();
    check.socket[leave]();
    await check.saw('close');
  }
  await h.until(() => h.dlx.server.connections.size === 0, 'no connection is left');
  expect([h.scaler.calls.length, h.dlx.core.accounting.accepted]).toEqual([0, 0]);
  await h.end({});
});

test('a check that only connects does not wake a sleeper whose server speaks first either, and is not counted', async () => {
  const clock = createFakeClock();
  const { h, dial } = await startRaw(serverFirst, { clock });
  for (const leave of ['end', 'resetAndDestroy'] as const) {
    const check = await dial();
    await h.until(() => h.dlx.server.connections.size === 1, 'it is there');
    check.socket[leave]();
    await check.saw('close');
    await h.until(() => h.dlx.server.connections.size === 0, 'it has left');
    await clock.advance(100);
  }
  expect([h.scaler.calls.length, h.dlx.core.accounting.accepted]).toEqual([0, 0]);
  const client = await dial();
  await h.until(() => h.dlx.server.connections.size === 1, 'a client is there');
  await clock.advance(100);
  await h.until(() => h.held('db') === 1, 'it is held');
  client.socket.resetAndDestroy();
  await h.end({ 'client-gone': 1 });
});

test('a connection that says nothing is closed after 75 s', async () => {
  const clock = createFakeClock();
  const { h, dial } = await startRaw(undefined, { clock });
  const client = await dial();
  await h.until(() => h.dlx.server.connections.size === 1, 'the client is there');
  for (let ms = 0; ms < 75_000; ms += 250) await clock.advance(250);
  expect(client.events).toEqual([]);
  for (let i = 0; i < 8; i++) await clock.advance(250);
  await client.saw('end');
  await h.end({});
});

test('where the target does not declare who speaks first a silent client wakes after 100 ms, one that has left by then does not', async () => {
  const clock = createFakeClock();
  const { h, dial, wake, app } = await startRaw({ protocol: 'tcp' }, { clock });
  const check = await dial();
  check.socket.end();
  await check.saw('close');
  const client = await dial();
  await h.until(() => h.dlx.server.connections.size === 1, 'the client is there');
  await clock.advance(99);
  expect(h.dlx.core.accounting.accepted).toBe(0);
  await clock.advance(1);
  await wake();
  const server = await app(0);
  server.socket.end('hello');
  await client.hears('hello');
  client.socket.end();
  await h.end({ forwarded: 1 });
});

test('with a quiet rule for its port a connection does not wake, and passes while it is awake', async () => {
  const { h, dial, tell } = await startRaw();
  tell({ quietRules: [{ port: 5432 }] });
  const check = await dial('PING');
  await check.saw('end');
  expect([h.scaler.calls.length, check.events]).toEqual([0, ['end']]);
  const redis = await startTcp((socket) => socket.end('+PONG'));
  h.scaler.endpoints('db', [redis.endpoint]);
  tell({ phase: 'awake', quietRules: [{ port: 5432 }] });
  const client = await dial('PING');
  await client.hears('+PONG');
  client.socket.end();
  await h.end({ 'not-woken': 1, forwarded: 1 });
});

test('a client that says all it has to say, and listens, gets its answer; each side ends for itself', async () => {
  const { h, dial, wake, app } = await startRaw();
  const client = await dial();
  client.socket.end('PING\r\n');
  await wake();
  const redis = await app(0, 'PING\r\n');
  await redis.saw('end');
  redis.socket.write('+PONG\r\n');
  await client.hears('+PONG\r\n');
  redis.socket.end();
  await client.saw('end');
  await h.end({ forwarded: 1 });
});

test('the server ends its half, and still hears the client', async () => {
  const { h, dial, wake, app } = await startRaw();
  const client = await dial('one');
  await wake();
  const server = await app(0, 'one');
  server.socket.end('bye');
  await client.saw('end');
  client.socket.write('two');
  await app(0, 'onetwo');
  client.socket.end();
  await server.saw('close');
  await h.end({ forwarded: 1 });
});

test.each([
  ['that resets', 'PING', (socket: Socket) => socket.resetAndDestroy()],
  ['that ends before its handshake', Buffer.from([0x16, 3, 1, 0, 9]), (socket: Socket) => socket.end()],
])('a client %s while it is held frees its slot at once, and nothing of it is sent', async (_, first, leave) => {
  const { h, dial, ends } = await startRaw();
  const client = await dial(first);
  const call = await h.scaler.call(0);
  leave(client.socket);
  await h.until(() => h.held('db') === 0, 'the slot is free');
  expect(h.dlx.core.accounting.heldBytes).toBe(0);
  call.ok();
  expect(ends).toHaveLength(0);
  await h.end({ 'client-gone': 1 });
});

test('past the hold limit the connection is reset, and counted', async () => {
  const { h, dial } = await startRaw(serverFirst, { settings: { holdTimeoutMs: 20 } });
  const client = await dial();
  await client.saw('reset');
  await h.end({ 'wake-timeout': 1 });
});

test('an endpoint that refuses at first is tried until it takes the connection', async () => {
  const { h, dial, ends, tell } = await startRaw();
  h.scaler.endpoints('db', [refusingEndpoint()]);
  tell({ phase: 'awake' });
  const client = await dial('PING');
  await h.until(() => h.held('db') === 1, 'it is held again');
  const redis = await startTcp((socket) => socket.once('data', (text) => socket.end(`+${text}`)));
  h.scaler.endpoints('db', [refusingEndpoint(), redis.endpoint]);
  await client.hears('+PING');
  client.socket.end();
  expect(ends).toHaveLength(0);
  expect(await h.metric('dlx_retries_total{kind="connect"}')).toBeGreaterThan(0);
  await h.end({ forwarded: 1 });
});

test('an endpoint that breaks off after it was joined is not replaced: the client is reset', async () => {
  const { h, dial, wake, app, ends } = await startRaw();
  const client = await dial('SET a 1');
  await wake();
  (await app(0, 'SET a 1')).socket.resetAndDestroy();
  await client.saw('reset');
  expect(ends).toHaveLength(1);
  await h.end({ 'upstream-reset': 1 });
});

test('a client that breaks off resets the endpoint', async () => {
  const { h, dial, wake, app } = await startRaw();
  const client = await dial('SUBSCRIBE a');
  await wake();
  const redis = await app(0, 'SUBSCRIBE a');
  client.socket.resetAndDestroy();
  await redis.saw('reset');
  await h.end({ 'client-gone': 1 });
});

test('its fence is not clear while a connection is open; a connection that has said nothing yet bars nothing', async () => {
  const { h, dial, wake, app } = await startRaw();
  const route = peerRoutes(h.dlx).find(({ path }) => path === '/fence');
  const body = { resource: { namespace: 'default', name: 'db' }, epoch: 'e1' };
  const fence = async (): Promise<object> =>
    ((await route?.handle({ body } as never)) as { body: object } | undefined)?.body ?? {};
  const client = await dial('PING');
  await wake();
  const redis = await app(0, 'PING');
  expect(await fence()).toMatchObject({ clear: false, inFlight: 1 });
  client.socket.end();
  await redis.saw('end');
  redis.socket.end();
  const early = await dial();
  await h.until(() => h.dlx.core.accounting.inFlight === 0 && h.dlx.server.connections.size === 1, 'one is left');
  expect(await fence()).toMatchObject({ clear: true });
  // Its first byte is an arrival behind the fence.
  early.socket.write('PING');
  await wake(1);
  (await app(1, 'PING')).socket.end();
  early.socket.end();
  await h.end({ forwarded: 2 });
});

test('an open connection is activity; one that is silent for its idle timeout is reset', async () => {
  const clock = createFakeClock();
  const { h, dial, wake, app, tell } = await startRaw(undefined, { clock });
  tell({ idleTimeoutMs: 5000 });
  const client = await dial('PING');
  await wake();
  await h.until(() => h.dlx.core.accounting.held === 0);
  await clock.advance(20);
  const redis = await app(0, 'PING');
  const gate = h.dlx.resources.gates.get('default/db');
  expect([gate?.inFlight, gate?.openStreams]).toEqual([1, 1]);
  for (let ms = 0; ms < 5500; ms += 250) await clock.advance(250);
  await Promise.all([client.saw('reset'), redis.saw('reset')]);
  await h.end({ 'upstream-idle': 1 });
});

test('at SIGTERM open connections go on until the drain limit, and are reset then; a silent one is just ended', async () => {
  const { h, dial, wake, app } = await startRaw();
  const client = await dial('PING');
  await wake();
  const redis = await app(0, 'PING');
  const idle = await dial();
  await h.until(() => h.dlx.server.connections.size === 2);
  const shutdown = createShutdown({ deadlineMs: 20_000, logger: silentLogger, clock: h.dlx.core.clock });
  h.dlx.addDrainSteps(shutdown, drainTimes(100));
  const stopped = shutdown.run();
  await h.until(() => h.dlx.core.draining);
  redis.socket.write('+PONG');
  await client.hears('+PONG');
  await Promise.all([stopped, client.saw('reset'), redis.saw('reset'), idle.saw('end')]);
  await h.end({ draining: 1 });
});

test.each([
  ['the client speaks first', { protocol: 'tcp' } as const, { 'upstream-reset': 1, 'no-route': 1 }],
  ['the server does', serverFirst, { 'upstream-connect': 1, 'no-route': 1 }],
])('a way that leads back into the DLX ends at its second gate: %s', async (_, target, outcomes) => {
  const { h, port, dial, tell } = await startRaw(target, { settings: { holdTimeoutMs: 1 } });
  h.scaler.endpoints('db', [endpoint(port)]);
  tell({ phase: 'awake' });
  const client = await dial('PING');
  await client.saw('reset');
  await h.end(outcomes);
});

test('what is for no resource any more is reset', async () => {
  const { h, dial } = await startRaw();
  h.scaler.remove('db');
  await h.until(() => h.dlx.resources.gates.size === 0);
  const client = await dial('*1\r\n$4\r\nPING\r\n');
  await client.saw('reset');
  await h.end({ 'no-route': 1 });
});
