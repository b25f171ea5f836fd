import { createHash, randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { expect, test } from '@jest/globals';
import { createFakeClock } from '@scaler/testing-kit';
import { startRaw } from '../testing/tcp.ts';

const sha = (data: Buffer | string): string => createHash('sha256').update(data).digest('hex');

test('held connections count in the same bounds as requests: as many, as many bytes, and each resource its share', async () => {
  const { h, dial, wake } = await startRaw(undefined, { settings: { holdLimitTotal: 5 } });
  const clients = [];
  for (let i = 0; i < 3; i++) {
    clients.push(await dial('PING'));
    if (i < 2) await h.until(() => h.held('db') === i + 1);
  }
  // A third would be more than what is left for all.
  await h.until(() => h.held('db') === 3 || h.dlx.core.accounting.outcomes.overflow === 1);
  const { accounting } = h.dlx.core;
  expect(accounting.heldBytes).toBe(accounting.held * 32_768);
  const more = await Promise.all([dial('PING'), dial('PING')]);
  await Promise.all(more.map((one) => one.saw('reset')));
  const held = accounting.held;
  await wake();
  await h.until(() => accounting.inFlight === held);
  for (const { socket } of clients) socket.resetAndDestroy();
  await h.end({ overflow: 5 - held, 'client-gone': held });
});

test('a client that sends a lot while it is held is not read on, is counted as what is kept, and nothing of it is lost', async () => {
  const { h, dial, wake, ends } = await startRaw();
  const sent = randomBytes(2 * 2 ** 20);
  const client = await dial(sent);
  await h.until(() => h.held('db') === 1);
  const [connection] = h.dlx.server.connections;
  await h.until(() => connection?.socket.isPaused() === true, 'it is not read any more');
  const { heldBytes } = h.dlx.core.accounting;
  expect(heldBytes).toBeLessThanOrEqual(16_384 + 81_920 + 131_072);
  await h.until(() => (connection?.socket.readableLength ?? 0) >= 65_536, 'Node stops reading too');
  expect(connection?.socket.bytesRead).toBeLessThanOrEqual(heldBytes - 16_384);
  client.socket.end();
  await wake();
  await h.until(() => ends[0]?.events.includes('end') === true, 'the app has all');
  expect(sha(Buffer.from(ends[0]?.heard() ?? '', 'latin1'))).toBe(sha(sent));
  ends[0]?.socket.end();
  await h.end({ forwarded: 1 });
});

test('a client that sends more than there is room for is not kept', async () => {
  const { h, dial } = await startRaw(undefined, { settings: { holdBytesTotal: 70_000 } });
  const client = await dial('first');
  await h.until(() => h.held('db') === 1);
  client.socket.write(Buffer.alloc(2 ** 20));
  await client.saw('reset');
  await h.end({ overflow: 1 });
});

test.each(['up', 'down'] as const)('a reader that stalls halts the sender: %s', async (way) => {
  const { h, dial, wake, app } = await startRaw();
  const client = await dial('PING');
  await wake();
  const server = await app(0, 'PING');
  const [from, to] = way === 'up' ? [client, server] : [server, client];
  const size = 24 * 2 ** 20;
  const before = to.heard().length;
  to.socket.pause();
  from.socket.write(Buffer.alloc(size, 'x'));
  const [connection] = h.dlx.server.connections;
  const waits = (): boolean => {
    const { socket } = connection as { socket: Socket };
    return way === 'up' ? socket.isPaused() : socket.writableNeedDrain;
  };
  await h.until(waits, 'the sender is halted');
  expect(from.socket.writableLength).toBeGreaterThan(size / 4);
  to.socket.resume();
  await h.until(() => to.heard().length === before + size, 'all of it came');
  client.socket.end();
  server.socket.end();
  await h.end({ forwarded: 1 });
});

test('they are let go in the order in which they came', async () => {
  const { h, dial, wake, ends } = await startRaw();
  for (let i = 0; i < 40; i++) {
    const client = await dial(`${i};`);
    client.socket.on('end', () => client.socket.end());
    await h.until(() => h.held('db') === i + 1);
  }
  await wake();
  await h.until(() => ends.length === 16, 'as many as the window lets through');
  // A released request is answered, and releases others.
  for (let i = 0; i < 40; i++) {
    await h.until(() => (ends[i]?.heard() ?? '') !== '', `the app hears number ${i}`);
    ends[i]?.socket.end('ok');
  }
  expect(ends.map((end) => end.heard())).toEqual(Array.from({ length: 40 }, (_, i) => `${i};`));
  await h.end({ forwarded: 40 });
});

test('an endpoint that takes what it is sent and says nothing does not keep others waiting', async () => {
  const clock = createFakeClock();
  const { h, dial, wake, ends } = await startRaw(undefined, { clock });
  const clients = await Promise.all(Array.from({ length: 20 }, (_, i) => dial(`log ${i}`)));
  await h.until(() => h.held('db') === 20);
  await wake();
  await h.until(() => ends.length === 16, 'as many as the window lets through');
  for (let ms = 0; ms < 2000; ms += 250) await clock.advance(250);
  await h.until(() => ends.length === 20, 'all are let go');
  for (const { socket } of [...clients, ...ends]) socket.end();
  await h.end({ forwarded: 20 });
});
