import { once } from 'node:events';
import type { Socket } from 'node:net';
import { expect, test } from '@jest/globals';
import { createFakeClock } from '@scaler/testing-kit';
import { type Answer, type Harness, startHarness } from '../testing/harness.ts';
import { ScriptedScaler } from '../testing/scripted-scaler.ts';
import { startEagerUpstream, startUpstream } from '../testing/upstream.ts';

/** Waits until all have come so far. */
const accepted = (h: Harness, count: number): Promise<void> =>
  h.until(() => h.dlx.core.accounting.accepted === count, `${count} are accepted`);

const ends = (h: Harness): Promise<number[]> =>
  Promise.all(['dlx_held', 'dlx_held_bytes', 'dlx_pipelined'].map((name) => h.metric(name)));

test('with a noisy sleeper at its share a hundred others still hold', async () => {
  const app = await startUpstream();
  const h = await startHarness({ settings: { holdLimitTotal: 400 } });
  const others = Array.from({ length: 100 }, (_, i) => `other-${i}`);
  for (const name of ['web', ...others]) {
    h.scaler.set({ name });
    h.scaler.endpoints(name, [app.endpoint]);
  }
  const noisy = Array.from({ length: 300 }, () => h.send());
  await accepted(h, 300);
  expect(h.held()).toBe(200);
  const quiet = others.map((name) => h.send({ headers: { host: name } }));
  await accepted(h, 400);
  expect(others.map(h.held)).toEqual(Array(100).fill(1));
  for (const call of h.scaler.calls) call.ok();
  expect((await Promise.all(quiet)).map(({ status }) => status)).toEqual(Array(100).fill(200));
  const refused = (await Promise.all(noisy)).filter(({ status }) => status !== 200);
  expect(refused).toHaveLength(100);
  expect(refused[0]?.problem).toMatchObject({ code: 'overflow', retryAfter: 5 });
  expect(refused[0]?.problem.detail).toBe('default/web: holds its share already: 200 requests, with 200 left for all');
  await h.end({ forwarded: 300, overflow: 100 });
});

test('bytes are bounded too: bodies that wait leave room for others, and are counted out again', async () => {
  const app = await startUpstream((_req, res, body) => res.end(String(body.length)));
  const h = await startHarness({ settings: { holdBytesTotal: 200_000 } });
  for (const name of ['web', 'other']) {
    h.scaler.set({ name });
    h.scaler.endpoints(name, [app.endpoint]);
  }
  const body = 'x'.repeat(60_000);
  const first = h.send({ method: 'POST', body });
  await accepted(h, 1);
  const [, bytes = 0] = await ends(h);
  expect(bytes).toBeGreaterThan(76_000);
  const second = await h.send({ method: 'POST', body });
  expect(second.problem.detail).toMatch(
    /^default\/web: holds its share already: 76\d+ bytes, with 12\d+ left for all$/,
  );
  const other = h.send({ method: 'POST', body, headers: { host: 'other' } });
  await accepted(h, 3);
  expect([h.held(), h.held('other')]).toEqual([1, 1]);
  for (const call of h.scaler.calls) call.ok();
  expect((await Promise.all([first, other])).map((answer) => answer.body)).toEqual(['60000', '60000']);
  expect(await ends(h)).toEqual([0, 0, 0]);
  await h.end({ forwarded: 2, overflow: 1 });
});

test('beyond a bound the status is the one that is set, and Retry-After what the last wakes took', async () => {
  const clock = createFakeClock();
  const app = await startUpstream();
  const h = await startHarness({ clock, settings: { overflowStatus: 429, holdLimit: 1 } });
  h.scaler.set({ name: 'web' });
  h.scaler.endpoints('web', [app.endpoint]);
  const round = async (tookMs: number, call: number): Promise<Answer> => {
    h.scaler.set({ name: 'web', phase: 'asleep' });
    const held = h.send();
    const { ok } = await h.scaler.call(call);
    const refused = await h.send();
    await clock.advance(tookMs);
    ok();
    expect((await held).status).toBe(200);
    return refused;
  };
  const answers = [await round(7200, 0), await round(100, 1), await round(100, 2)];
  expect(answers.map(({ status }) => status)).toEqual([429, 429, 429]);
  expect(answers.map(({ headers }) => headers['retry-after'])).toEqual(['5', '8', '8']);
  await h.end({ forwarded: 3, overflow: 3 });
});

test('pipelined requests wait bounded, and are accepted one by one', async () => {
  let first: (() => void) | undefined;
  const app = await startEagerUpstream((_req, res) => {
    if (first === undefined) first = () => res.end();
    else res.end();
  });
  const h = await startHarness({ scaler: new ScriptedScaler({ auto: true }) });
  h.scaler.endpoints('web', [app.endpoint]);
  h.scaler.set({ name: 'web', phase: 'awake' });
  const request = 'GET / HTTP/1.1\r\nhost: web\r\n\r\n';
  const client = await h.raw(request.repeat(100_000));
  let text = '';
  let ended = false;
  client.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  client.on('close', () => (ended = true));
  await h.until(() => first !== undefined && h.dlx.core.accounting.pipelined.held === 512);
  expect(h.dlx.core.accounting.accepted).toBe(1);
  expect(await h.metric('dlx_held_bytes')).toBe(512 * (2048 + 96 + 7 + 1));
  // Nothing more is read: the client's writes are stuck.
  const read = client.bytesWritten - client.writableLength;
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
  expect(client.bytesWritten - client.writableLength).toBe(read);
  first?.();
  await h.until(() => ended);
  expect(text.match(/HTTP\/1.1 200 OK/g)).toHaveLength(513);
  expect(await ends(h)).toEqual([0, 0, 0]);
  await h.end({ forwarded: 513 });
});

test('what all clients pipeline together leaves room for those who wait properly', async () => {
  const h = await startHarness({ settings: { holdLimitTotal: 40 } });
  for (const name of ['web', 'other']) h.scaler.set({ name });
  const requests = 'GET / HTTP/1.1\r\nhost: web\r\n\r\n'.repeat(11);
  const clients: Socket[] = [];
  for (const waiting of [10, 19, 19]) {
    clients.push(await h.raw(requests));
    await accepted(h, clients.length);
    await h.until(() => h.dlx.core.accounting.pipelined.held === waiting);
  }
  const other = h.send({ headers: { host: 'other' } });
  await accepted(h, 4);
  expect([h.held(), h.held('other')]).toEqual([3, 1]);
  // The first is read on, so that its leaving is seen.
  clients[0]?.destroy();
  await h.until(() => h.held() === 2 && h.dlx.core.accounting.pipelined.held === 9);
  for (const name of ['web', 'other']) h.scaler.remove(name);
  expect((await other).status).toBe(404);
  for (const client of clients.slice(1)) await once(client.resume(), 'end');
  expect(await ends(h)).toEqual([0, 0, 0]);
  await h.end({ 'client-gone': 1, 'no-route': 12 });
});

test.each([5, 60_000])(
  'held POSTs with %i unread bytes whose client left: slots free at once, upstream never called, 100 of 100',
  async (size) => {
    const app = await startUpstream();
    const h = await startHarness();
    h.scaler.set({ name: 'web' });
    h.scaler.endpoints('web', [app.endpoint]);
    const text = `POST /gone HTTP/1.1\r\nhost: web\r\ncontent-length: ${size}\r\n\r\n${'x'.repeat(size)}`;
    const clients = await Promise.all(Array.from({ length: 100 }, () => h.raw(text)));
    const stays = h.send({ path: '/stays' });
    await h.until(() => h.held() === 101 && clients.every(({ writableLength }) => writableLength === 0));
    for (const client of clients) client.destroy();
    await h.until(() => h.held() === 1);
    h.scaler.calls[0]?.ok();
    expect((await stays).status).toBe(200);
    expect(app.seen).toEqual(['GET /stays']);
    expect(await ends(h)).toEqual([0, 0, 0]);
    await h.end({ 'client-gone': 100, forwarded: 1 });
  },
);
