import { once } from 'node:events';
import { expect, test } from '@jest/globals';
import { createFakeClock } from '@scaler/testing-kit';
import { silenceLookMs, SilenceLooks } from './silence.ts';
import { startHarness } from '../testing/harness.ts';
import { startUpstream } from '../testing/upstream.ts';

test('silence is looked for while there is something that may be silent, and not at all otherwise', async () => {
  const clock = createFakeClock();
  const stop = new AbortController();
  const silence = new SilenceLooks(clock);
  let left = 0;
  const lookedMs: number[] = [];
  const running = silence.run({ look: (nowMs) => lookedMs.push(nowMs) > 0 && left > 0 }, stop.signal);
  const pass = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i++) await clock.advance(silenceLookMs);
  };
  await pass(10);
  expect(lookedMs).toEqual([]);
  left = 2;
  silence.arrived();
  silence.arrived();
  await pass(3);
  expect(lookedMs).toEqual([11, 12, 13].map((times) => times * silenceLookMs));
  left = 0;
  await pass(3);
  expect(lookedMs).toHaveLength(4);
  silence.arrived();
  await pass(3);
  expect(lookedMs).toHaveLength(5);
  stop.abort();
  await running;
  expect(lookedMs).toHaveLength(5);
});

test('a kept-alive connection without a request is ended after 75 s; one that is held is not', async () => {
  const app = await startUpstream();
  const clock = createFakeClock();
  const h = await startHarness({ clock, settings: { holdTimeoutMs: 600_000 } });
  h.scaler.set({ name: 'web' });
  h.scaler.set({ name: 'awake', phase: 'awake' });
  h.scaler.endpoints('awake', [app.endpoint]);
  const idle = await h.raw('GET / HTTP/1.1\r\nhost: awake\r\n\r\n');
  const [answer] = (await once(idle, 'data')) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1.1 200/);
  const closed = once(idle, 'close');
  const held = h.send();
  held.catch(() => {});
  await h.until(() => h.held() === 1);
  const look = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i++) await clock.advance(silenceLookMs);
  };
  await look(75_000 / silenceLookMs);
  expect(h.dlx.server.connections.size).toBe(2);
  // It is looked for 32 times in that time.
  await look(75_000 / silenceLookMs / 32 + 3);
  await closed;
  expect(h.held()).toBe(1);
  h.scaler.endpoints('web', [app.endpoint]);
  h.scaler.calls[0]?.ok();
  expect((await held).body).toBe('ok');
  await h.end({ forwarded: 2 });
});

test.each([
  ['10s', 10_000],
  ['5m', 300_000],
])('a client’s connection may be without a request for %s where that is asked for', async (_, clientIdleTimeoutMs) => {
  const clock = createFakeClock();
  const h = await startHarness({ clock, settings: { clientIdleTimeoutMs } });
  const idle = await h.raw('');
  const closed = once(idle, 'close');
  await h.until(() => h.dlx.server.connections.size === 1);
  for (let ms = 0; ms < clientIdleTimeoutMs; ms += silenceLookMs) await clock.advance(silenceLookMs);
  expect(h.dlx.server.connections.size).toBe(1);
  for (let ms = 0; ms < 3500; ms += silenceLookMs) await clock.advance(silenceLookMs);
  await closed;
  await h.end({});
});

test('and for as long as it likes where that is 0', async () => {
  const clock = createFakeClock();
  const h = await startHarness({ clock, settings: { clientIdleTimeoutMs: 0 } });
  await h.raw('');
  await h.until(() => h.dlx.server.connections.size === 1);
  for (let minute = 0; minute < 600; minute++) await clock.advance(60_000);
  expect(h.dlx.server.connections.size).toBe(1);
  await h.end({});
});

test('a head that comes byte by byte is waited for as long as for any other, and no longer', async () => {
  const clock = createFakeClock();
  const h = await startHarness({ clock });
  const slow = await h.raw('GET / HTTP/1.1\r\n');
  const closed = once(slow, 'close');
  await h.until(() => h.dlx.server.connections.size === 1);
  for (let passedMs = 0; passedMs < 75_000; passedMs += silenceLookMs) {
    if (passedMs % 10_000 === 0) slow.write('a');
    await clock.advance(silenceLookMs);
  }
  expect(h.dlx.server.connections.size).toBe(1);
  for (let passedMs = 0; passedMs < 3000; passedMs += silenceLookMs) await clock.advance(silenceLookMs);
  await closed;
  await h.end({});
});
