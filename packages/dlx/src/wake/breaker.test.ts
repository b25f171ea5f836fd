import { expect, test } from '@jest/globals';
import { ScalerError, terminal } from '@scaler/scaler-types';
import { type FakeClock, createFakeClock } from '@scaler/testing-kit';
import { Breaker } from './wake-limits.ts';
import { type Answer, type Harness, startHarness } from '../testing/harness.ts';
import { refusingEndpoint, startUpstream } from '../testing/upstream.ts';

const missing = (): Error => terminal(new Error('the image does not exist'));

/** Wakes that come to nothing, one request each. */
async function fail(h: Harness, times: number): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let i = 0; i < times; i++) {
    const answer = h.send();
    (await h.scaler.call(h.scaler.calls.length)).fail(missing());
    answers.push(await answer);
  }
  return answers;
}

async function broken(): Promise<{ h: Harness; clock: FakeClock }> {
  const clock = createFakeClock();
  const h = await startHarness({ clock });
  h.scaler.set({ name: 'web' });
  await fail(h, 3);
  return { h, clock };
}

const states = (h: Harness): Promise<number[]> =>
  Promise.all(['open', 'half-open'].map((state) => h.metric(`dlx_breakers{state="${state}"}`)));

test('after three wakes in a row that came to nothing it is open for 1, 2, 4, then 8 s, and no longer', async () => {
  const clock = createFakeClock();
  const counts = { open: 0, 'half-open': 0 };
  const breaker = new Breaker(clock, counts);
  const periods: unknown[] = [];
  for (let i = 0; i < 8; i++) {
    expect(breaker.admits()).toBe(true);
    breaker.failed('no');
    periods.push(breaker.retryInMs);
    if (breaker.retryInMs === undefined) continue;
    await clock.advance(breaker.retryInMs - 1);
    expect(breaker.admits()).toBe(false);
    await clock.advance(1);
  }
  expect(periods).toEqual([undefined, undefined, 1000, 2000, 4000, 8000, 8000, 8000]);
  expect([breaker.admits(), breaker.state, counts]).toEqual([true, 'half-open', { open: 0, 'half-open': 1 }]);
  breaker.close();
  breaker.failed('no');
  expect([breaker.state, breaker.failures, counts]).toEqual(['closed', 1, { open: 0, 'half-open': 0 }]);
});

test('one failed wake is not remembered: the next request wakes at once', async () => {
  const app = await startUpstream();
  const h = await startHarness({ clock: createFakeClock() });
  h.scaler.set({ name: 'web' });
  h.scaler.endpoints('web', [app.endpoint]);
  for (let round = 0; round < 3; round++) {
    await fail(h, 2);
    const answer = h.send();
    (await h.scaler.call(h.scaler.calls.length)).ok();
    expect((await answer).status).toBe(200);
    h.scaler.set({ name: 'web', phase: 'waking' });
    h.scaler.set({ name: 'web', phase: 'asleep' });
  }
  await h.end({ 'wake-failed': 6, forwarded: 3 });
});

test('while it is open requests are answered at once with the last cause and when to come again', async () => {
  const { h, clock } = await broken();
  await clock.advance(100);
  const { status, headers, problem } = await h.send();
  expect([status, problem.code, headers['retry-after']]).toEqual([503, 'wake-failed', '1']);
  expect(problem.detail).toBe('the image does not exist (3 wakes in a row failed, the next try is in 1 s)');
  expect([h.scaler.calls.length, await states(h)]).toEqual([3, [1, 0]]);
  await h.end({ 'wake-failed': 4 });
});

test('then one wake is tried, and requests that come meanwhile wait for it; it opens for longer, or closes', async () => {
  const { h, clock } = await broken();
  await clock.advance(1000);
  const tried = [h.send(), h.send()];
  await h.until(() => h.held() === 2);
  expect([h.scaler.calls.length, await states(h)]).toEqual([4, [0, 1]]);
  h.scaler.calls[3]?.fail(missing());
  expect((await Promise.all(tried)).map(({ headers }) => headers['retry-after'])).toEqual(['2', '2']);
  await clock.advance(1999);
  expect((await h.send()).problem.code).toBe('wake-failed');
  await clock.advance(1);
  const app = await startUpstream();
  h.scaler.endpoints('web', [app.endpoint]);
  const answer = h.send();
  (await h.scaler.call(4)).ok();
  expect((await answer).status).toBe(200);
  expect(await states(h)).toEqual([0, 0]);
  await h.end({ 'wake-failed': 6, forwarded: 1 });
});

test('an app that recovered is served at once, whatever its breaker remembers: its endpoint shows it', async () => {
  const app = await startUpstream();
  const { h, clock } = await broken();
  h.scaler.set({ name: 'web', phase: 'waking' });
  await clock.advance(10);
  expect((await h.send()).problem.code).toBe('wake-failed');
  h.scaler.endpoints('web', [app.endpoint]);
  expect([(await h.send()).status, h.scaler.calls.length, await states(h)]).toEqual([200, 3, [0, 0]]);
  await h.end({ 'wake-failed': 4, forwarded: 1 });
});

test('a wake from elsewhere closes it, and any other change has it tried again after a second', async () => {
  const { h, clock } = await broken();
  for (const waitMs of [1000, 2000, 4000]) {
    await clock.advance(waitMs);
    await fail(h, 1);
  }
  await clock.advance(1000);
  expect((await h.send()).headers['retry-after']).toBe('7');
  h.scaler.set({ name: 'web', phase: 'parking' });
  await fail(h, 1);
  expect((await h.send()).problem.code).toBe('wake-failed');
  h.scaler.set({ name: 'web', phase: 'awake' });
  expect(await states(h)).toEqual([0, 0]);
  await fail(h, 1);
  await h.end({ 'wake-failed': 10 });
});

test('a wake that a request waited for until the hold limit has failed, once for all whose waits overlap', async () => {
  const clock = createFakeClock();
  const h = await startHarness({ clock, settings: { holdTimeoutMs: 1000 } });
  h.scaler.set({ name: 'web' });
  h.scaler.explanation = { hopeless: false, reason: 'Unschedulable', text: 'No node can take its pod.' };
  const gate = h.dlx.resources.gates.get('default/web');
  for (let wake = 1; wake <= 3; wake++) {
    const answers = [h.send()];
    await h.until(() => h.held() === 1);
    await clock.advance(400);
    answers.push(h.send());
    await h.until(() => h.held() === 2);
    await clock.advance(1000);
    const [first] = await Promise.all(answers);
    expect(first?.problem.detail).toMatch(/not awake after 1000 ms: Unschedulable: No node/);
    expect(gate?.wake.breaker.failures).toBe(wake);
  }
  expect((await h.send()).problem).toMatchObject({
    code: 'wake-failed',
    detail: expect.stringMatching(/^Unschedulable: No node can take its pod\. \(3 wakes in a row/),
  });
  await h.end({ 'wake-timeout': 6, 'wake-failed': 1 });
});

test('neither a pause nor a call that is tried again is a failed wake', async () => {
  const clock = createFakeClock();
  const h = await startHarness({ clock });
  h.scaler.set({ name: 'web' });
  const gate = h.dlx.resources.gates.get('default/web');
  h.scaler.set({ name: 'web', pause: { mode: 'asleep' } });
  h.scaler.stale = true;
  const paused = h.send();
  (await h.scaler.call(0)).fail(terminal(new ScalerError('paused', 'default/web is paused asleep')));
  expect((await paused).problem.code).toBe('wake-failed');
  const socket = await h.raw('GET / HTTP/1.1\r\nhost: web\r\n\r\n');
  for (let i = 1; i < 5; i++) {
    (await h.scaler.call(i)).fail(new Error('the API does not answer'));
    await h.until(() => gate?.wake.calling === false);
    await clock.advance(2000);
  }
  socket.destroy();
  await h.until(() => h.held() === 0);
  expect(gate?.wake.breaker.failures).toBe(0);
  await h.end({ 'wake-failed': 1, 'client-gone': 1 });
});

test('what is awake and refuses connections is no failed wake', async () => {
  const clock = createFakeClock();
  const h = await startHarness({ clock, settings: { holdTimeoutMs: 1000 } });
  h.scaler.set({ name: 'web', phase: 'awake' });
  h.scaler.endpoints('web', [refusingEndpoint()]);
  const gate = h.dlx.resources.gates.get('default/web');
  for (let i = 0; i < 4; i++) {
    const answer = h.send();
    await h.until(() => h.held() === 1);
    await clock.advance(1000);
    expect((await answer).problem.code).toBe('upstream-connect');
  }
  expect(gate?.wake.breaker.state).not.toBe('half-open');
  await h.end({ 'upstream-connect': 4 });
});
