import { expect, test } from '@jest/globals';
import { terminal } from '@scaler/scaler-types';
import { createFakeClock } from '@scaler/testing-kit';
import { ScriptedScaler } from '../testing/scripted-scaler.ts';
import { type Answer, startHarness } from '../testing/harness.ts';
import { startUpstream } from '../testing/upstream.ts';

test('a request to a sleeper is held, wakes it and is answered by it', async () => {
  const app = await startUpstream((req, res, body) => res.end(`hello ${req.method} ${req.url} ${body}`));
  const h = await startHarness();
  h.scaler.set({ name: 'web' });
  const answer = h.send({ method: 'POST', path: '/x?y', body: 'abc' });
  const call = await h.scaler.call(0);
  expect([h.held(), app.seen]).toEqual([1, []]);
  expect(call.options.reason).toEqual({ by: 'dlx dlx-1', text: 'a request for web:80 arrived' });
  h.scaler.endpoints('web', [app.endpoint]);
  call.ok();
  const { status, body } = await answer;
  expect([status, body]).toEqual([200, 'hello POST /x?y abc']);
  await h.end({ forwarded: 1 });
});

test('many that are held share one wake and are released through a window, those who came first before the others', async () => {
  const waiting: (() => void)[] = [];
  const app = await startUpstream((_req, res) => waiting.push(() => res.end('ok')));
  const h = await startHarness();
  h.scaler.set({ name: 'web' });
  h.scaler.endpoints('web', [app.endpoint]);
  const answers: Promise<Answer>[] = [];
  for (let i = 0; i < 50; i++) {
    answers.push(h.send({ path: `/${i}` }));
    await h.until(() => h.held() === i + 1);
  }
  expect(h.scaler.calls).toHaveLength(1);
  h.scaler.calls[0]?.ok();
  await h.until(() => waiting.length === 16);
  expect(h.held()).toBe(34);
  // They travel on several connections at once, so among themselves they may arrive in any order.
  expect(new Set(app.seen)).toEqual(new Set(answers.slice(0, 16).map((_, i) => `GET /${i}`)));
  waiting.shift()?.();
  await h.until(() => app.seen.length === 17);
  expect(app.seen[16]).toBe('GET /16');
  while (app.seen.length < 50 || waiting.length > 0) {
    waiting.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(answers);
  expect(h.scaler.calls).toHaveLength(1);
  await h.end({ forwarded: 50 });
});

test('a held request waits for endpoints too, where setScale resolves before they are known', async () => {
  const app = await startUpstream();
  const h = await startHarness({ scaler: new ScriptedScaler({ auto: true }) });
  h.scaler.set({ name: 'web' });
  const answer = h.send();
  await h.scaler.call(0);
  await h.until(() => h.scaler.watched.has('web'));
  expect(h.held()).toBe(1);
  h.scaler.endpoints('web', [app.endpoint]);
  expect((await answer).status).toBe(200);
  await h.end({ forwarded: 1 });
});

test('without watchEndpoints the resolved name is forwarded to, asked anew after each wake', async () => {
  const [first, second] = [
    await startUpstream((_, res) => res.end('first')),
    await startUpstream((_, res) => res.end('second')),
  ];
  const h = await startHarness({ scaler: new ScriptedScaler({ endpoints: false, auto: true }) });
  h.scaler.set({ name: 'web' });
  h.scaler.endpoints('web', [first.endpoint]);
  expect((await h.send()).body).toBe('first');
  expect((await h.send()).body).toBe('first');
  h.scaler.set({ name: 'web', phase: 'asleep' });
  h.scaler.endpoints('web', [second.endpoint]);
  expect((await h.send()).body).toBe('second');
  expect(h.scaler.calls).toHaveLength(2);
  await h.end({ forwarded: 3 });
});

test('an awake resource with known endpoints is passed without a wake, and so is a waking one', async () => {
  const app = await startUpstream();
  const h = await startHarness();
  h.scaler.endpoints('web', [app.endpoint]);
  for (const phase of ['awake', 'waking'] as const) {
    h.scaler.set({ name: 'web', phase });
    expect((await h.send()).status).toBe(200);
  }
  expect(h.scaler.calls).toHaveLength(0);
  h.scaler.set({ name: 'web', phase: 'parking' });
  const answer = h.send();
  (await h.scaler.call(0)).ok();
  expect((await answer).status).toBe(200);
  await h.end({ forwarded: 3 });
});

test('an awake resource without endpoints is woken all the same: the cache may be late', async () => {
  const app = await startUpstream();
  const h = await startHarness();
  h.scaler.set({ name: 'web', phase: 'awake' });
  const answer = h.send();
  const call = await h.scaler.call(0);
  h.scaler.endpoints('web', [app.endpoint]);
  expect((await answer).status).toBe(200);
  call.ok();
  await h.end({ forwarded: 1 });
});

test('what may be out of date is not believed: each batch waits for a live setScale', async () => {
  const clock = createFakeClock();
  const app = await startUpstream();
  const h = await startHarness({ clock });
  h.scaler.endpoints('web', [app.endpoint]);
  h.scaler.set({ name: 'web', phase: 'awake' });
  h.scaler.stale = true;
  const first = h.send();
  (await h.scaler.call(0)).ok();
  expect((await first).status).toBe(200);
  expect((await h.send()).status).toBe(200);
  await clock.advance(1001);
  const third = h.send();
  (await h.scaler.call(1)).ok();
  expect((await third).status).toBe(200);
  await h.end({ forwarded: 3 });
});

test('a wake that fails is tried again while a request is held, and at once for the next to come', async () => {
  const clock = createFakeClock();
  const app = await startUpstream();
  const h = await startHarness({ clock, settings: { holdTimeoutMs: 250 } });
  h.scaler.endpoints('web', [app.endpoint]);
  h.scaler.set({ name: 'web' });
  const first = h.send();
  (await h.scaler.call(0)).fail(new Error('no nodes'));
  await h.until(() => clock.pending.some(({ dueAtMs }) => dueAtMs === clock.now() + 100));
  await clock.advance(100);
  (await h.scaler.call(1)).fail(new Error('still no nodes'));
  await clock.advance(150);
  const timedOut = await first;
  expect([timedOut.status, timedOut.problem.code]).toEqual([504, 'wake-timeout']);
  expect(timedOut.problem.detail).toContain('still no nodes');
  expect(timedOut.headers['retry-after']).toBe('5');
  const second = h.send();
  (await h.scaler.call(2)).ok();
  expect((await second).status).toBe(200);
  await h.end({ 'wake-timeout': 1, forwarded: 1 });
});

test('a terminal error answers everybody who is held at once, with the cause', async () => {
  const h = await startHarness();
  h.scaler.set({ name: 'web' });
  const answers = [h.send(), h.send()];
  await h.until(() => h.held() === 2);
  h.scaler.calls[0]?.fail(terminal(new Error('the image does not exist')));
  for (const { status, problem } of await Promise.all(answers)) {
    expect([status, problem.code, problem.detail]).toEqual([503, 'wake-failed', 'the image does not exist']);
  }
  await h.end({ 'wake-failed': 2 });
});

test('a wake that the scaler explains as hopeless is answered at once, with the reason', async () => {
  const clock = createFakeClock();
  const h = await startHarness({ clock });
  h.scaler.set({ name: 'web' });
  const answer = h.send();
  const call = await h.scaler.call(0);
  h.scaler.explanation = { hopeless: false, reason: 'Pulling', text: 'the image is being pulled' };
  await clock.advance(1000);
  expect(h.held()).toBe(1);
  h.scaler.explanation = { hopeless: true, reason: 'ImagePullBackOff', text: 'the image does not exist' };
  await clock.advance(1000);
  const { problem } = await answer;
  expect([problem.code, problem.detail]).toEqual(['wake-failed', 'ImagePullBackOff: the image does not exist']);
  call.ok();
  await h.end({ 'wake-failed': 1 });
});

test('a setScale that ignores its signal is given up at the hold limit, and another is made', async () => {
  const clock = createFakeClock();
  const h = await startHarness({ clock, settings: { holdTimeoutMs: 1000 } });
  h.scaler.set({ name: 'web' });
  const first = h.send();
  const call = await h.scaler.call(0);
  await clock.advance(600);
  const second = h.send();
  await h.until(() => h.held() === 2);
  await clock.advance(400);
  expect((await first).problem.code).toBe('wake-timeout');
  expect(call.options.signal.aborted).toBe(true);
  await clock.advance(100);
  await h.scaler.call(1);
  await clock.advance(500);
  expect((await second).problem.code).toBe('wake-timeout');
  await h.end({ 'wake-timeout': 2 });
});

test('beyond a resource’s bound, and beyond the total, the answer is given at once', async () => {
  const h = await startHarness({ settings: { holdLimit: 2, holdLimitTotal: 3 } });
  h.scaler.set({ name: 'web' });
  h.scaler.set({ name: 'other' });
  const held = [h.send(), h.send()];
  await h.until(() => h.held() === 2);
  const third = await h.send();
  expect([third.status, third.problem.code, third.problem.resource]).toEqual([503, 'overflow', 'default/web']);
  held.push(h.send({ headers: { host: 'other' } }));
  await h.until(() => h.held('other') === 1);
  const total = await h.send({ headers: { host: 'other' } });
  expect(total.problem.detail).toContain('3 requests are held already');
  for (const name of ['web', 'other']) h.scaler.remove(name);
  expect((await Promise.all(held)).map(({ problem }) => problem.code)).toEqual(Array(3).fill('no-route'));
  await h.end({ overflow: 2, 'no-route': 3 });
});

test.each([
  ['GET', 'GET / HTTP/1.1\r\nhost: web\r\n\r\n'],
  ['POST with an unread body', 'POST / HTTP/1.1\r\nhost: web\r\ncontent-length: 5\r\n\r\nhello'],
  [
    'POST with 50 KB of a longer body',
    `POST / HTTP/1.1\r\nhost: web\r\ncontent-length: 99999\r\n\r\n${'x'.repeat(50_000)}`,
  ],
])('a client that leaves while held frees its slot at once and is never sent on: %s', async (_, text) => {
  const app = await startUpstream();
  const h = await startHarness();
  h.scaler.set({ name: 'web' });
  h.scaler.endpoints('web', [app.endpoint]);
  const socket = await h.raw(text);
  await h.until(() => h.held() === 1);
  const stays = h.send({ path: '/stays' });
  await h.until(() => h.held() === 2);
  socket.destroy();
  await h.until(() => h.held() === 1);
  h.scaler.calls[0]?.ok();
  await stays;
  expect(app.seen).toEqual(['GET /stays']);
  await h.end({ 'client-gone': 1, forwarded: 1 });
});

test('a wake goes on when its only client left, and serves the next', async () => {
  const app = await startUpstream();
  const h = await startHarness();
  h.scaler.set({ name: 'web' });
  h.scaler.endpoints('web', [app.endpoint]);
  const socket = await h.raw('GET / HTTP/1.1\r\nhost: web\r\n\r\n');
  const call = await h.scaler.call(0);
  socket.destroy();
  await h.until(() => h.held() === 0);
  expect(call.options.signal.aborted).toBe(false);
  const next = h.send();
  await h.until(() => h.held() === 1);
  call.ok();
  expect((await next).status).toBe(200);
  expect(h.scaler.calls).toHaveLength(1);
  await h.end({ 'client-gone': 1, forwarded: 1 });
});

test('a removed resource and a removed port answer what they hold at once', async () => {
  const h = await startHarness();
  h.scaler.set({ name: 'web', targets: [{ service: 'web', port: 80 }, { service: 'old', port: 80 }] }); // prettier-ignore
  const onPort = h.send({ headers: { host: 'old' } });
  const onResource = h.send();
  await h.until(() => h.held() === 2);
  h.scaler.set({ name: 'web' });
  expect((await onPort).problem.detail).toContain('no port old:80 any more');
  h.scaler.remove('web');
  const { status, problem } = await onResource;
  expect([status, problem.code, problem.detail]).toEqual([404, 'no-route', 'default/web is not managed any more']);
  await h.end({ 'no-route': 2 });
});

test('a gate that closes while many are being released stops, and wakes again', async () => {
  const app = await startUpstream();
  const h = await startHarness();
  h.scaler.set({ name: 'web' });
  const answer = h.send();
  (await h.scaler.call(0)).ok();
  await h.until(() => h.dlx.resources.gates.get('default/web')?.isOpen() === true);
  h.scaler.set({ name: 'web', phase: 'parking' });
  const again = await h.scaler.call(1);
  h.scaler.endpoints('web', [app.endpoint]);
  expect(h.held()).toBe(1);
  again.ok();
  expect((await answer).status).toBe(200);
  await h.end({ forwarded: 1 });
});

test('a thousand are released through a window, in order, onto a server that takes one at a time', async () => {
  const queue: (() => void)[] = [];
  let most = 0;
  const app = await startUpstream((_req, res) => {
    queue.push(() => res.end('ok'));
    most = Math.max(most, queue.length);
    if (queue.length === 1) setImmediate(serve);
  });
  function serve(): void {
    queue.shift()?.();
    if (queue.length > 0) setImmediate(serve);
  }
  const h = await startHarness();
  h.scaler.set({ name: 'web' });
  h.scaler.endpoints('web', [app.endpoint]);
  const answers = Array.from({ length: 1000 }, (_, i) => h.send({ path: `/${i}` }));
  await h.until(() => h.held() === 1000);
  h.scaler.calls[0]?.ok();
  expect((await Promise.all(answers)).every(({ status }) => status === 200)).toBe(true);
  expect(most).toBeLessThan(600);
  await h.end({ forwarded: 1000 });
});
