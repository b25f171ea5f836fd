import { expect, test } from '@jest/globals';
import { startAwake } from '../testing/harness.ts';
import { endOf } from '../testing/stream.ts';
import { startEagerUpstream, startUpstream } from '../testing/upstream.ts';

test('while a client takes no answers the next of what it pipelined is not asked for: it would wait in our memory', async () => {
  const answers: (() => void)[] = [];
  const app = await startEagerUpstream((_req, res) => answers.push(() => res.end('ok')));
  const h = await startAwake([app]);
  const near = endOf(await h.raw('GET / HTTP/1.1\r\nhost: web\r\n\r\n'.repeat(5)));
  await h.until(() => answers.length === 1 && h.dlx.core.accounting.pipelined.held === 4);
  const [connection] = h.dlx.server.connections;
  const { socket } = connection as NonNullable<typeof connection>;
  let full = true;
  Object.defineProperty(socket, 'writableNeedDrain', { get: () => full });
  answers[0]?.();
  await near.hears('200 OK');
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
  expect([answers.length, h.dlx.core.accounting.pipelined.held]).toEqual([1, 4]);
  full = false;
  socket.emit('drain');
  for (let i = 1; i < 5; i++) {
    await h.until(() => answers.length === i + 1);
    answers[i]?.();
  }
  await h.until(() => near.heard().match(/200 OK/g)?.length === 5);
  near.socket.destroy();
  await h.end({ forwarded: 5 });
});

test('of thousands that are refused as they come, a few are answered in each turn of the event loop', async () => {
  const h = await startAwake([await startUpstream()]);
  const { accounting } = h.dlx.core;
  const inTurns: number[] = [];
  let before = 0;
  const count = (): void => {
    inTurns.push(accounting.ended() - before);
    before = accounting.ended();
    counting = setImmediate(count);
  };
  let counting = setImmediate(count);
  const client = endOf(await h.raw('GET / HTTP/1.1\r\nhost: no\r\n\r\n'.repeat(500)));
  await h.until(() => accounting.ended() === 500);
  clearImmediate(counting);
  expect(Math.max(...inTurns)).toBeLessThanOrEqual(32);
  await h.until(() => client.heard().split('HTTP/1.1 404').length === 501, 'each has its answer');
  client.socket.destroy();
  await h.end({ 'no-route': 500 });
});
