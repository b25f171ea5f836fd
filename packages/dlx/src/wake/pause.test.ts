import { expect, test } from '@jest/globals';
import { type Pause, type Phase, ScalerError, terminal } from '@scaler/scaler-types';
import { createFakeClock } from '@scaler/testing-kit';
import { startHarness } from '../testing/harness.ts';
import { startUpstream } from '../testing/upstream.ts';

const until = '2026-01-01T00:01:30.000Z';

test.each<[Pause, Phase, number | undefined]>([
  [{ mode: 'asleep', until }, 'asleep', 90],
  [{ mode: 'as-is', until }, 'asleep', 90],
  [{ mode: 'asleep' }, 'asleep', undefined],
  [{ mode: 'as-is' }, 'asleep', undefined],
  [{ mode: 'asleep', until }, 'parking', 90],
])('%j while it is %s answers at once, does not wake, and says when to come again', async (pause, phase, seconds) => {
  const h = await startHarness({ clock: createFakeClock() });
  h.scaler.set({ name: 'web', phase, pause });
  const { status, headers, problem } = await h.send();
  expect({ status, code: problem.code }).toEqual({ status: 503, code: 'wake-failed' });
  expect(problem.detail).toBe(`default/web is paused ${pause.mode}${pause.until ? ` until ${until}` : ''}`);
  expect(headers['retry-after']).toBe(seconds === undefined ? undefined : String(seconds));
  expect(h.scaler.calls).toEqual([]);
  await h.end({ 'wake-failed': 1 });
});

test('when the pause ends, the next request wakes it', async () => {
  const clock = createFakeClock();
  const app = await startUpstream();
  const h = await startHarness({ clock });
  h.scaler.set({ name: 'web', pause: { mode: 'asleep', until } });
  h.scaler.endpoints('web', [app.endpoint]);
  await clock.advance(89_999);
  expect((await h.send()).status).toBe(503);
  await clock.advance(1);
  const answer = h.send();
  (await h.scaler.call(0)).ok();
  expect((await answer).status).toBe(200);
  await h.end({ 'wake-failed': 1, forwarded: 1 });
});

test.each<[Pause, Phase]>([
  [{ mode: 'awake' }, 'asleep'],
  [{ mode: 'as-is' }, 'parking'],
])('%j while it is %s does not keep a request from asking for it', async (pause, phase) => {
  const app = await startUpstream();
  const h = await startHarness();
  h.scaler.set({ name: 'web', phase, pause });
  h.scaler.endpoints('web', [app.endpoint]);
  const answer = h.send();
  (await h.scaler.call(0)).ok();
  expect((await answer).status).toBe(200);
  await h.end({ forwarded: 1 });
});

test('what is paused and awake is served as ever', async () => {
  const app = await startUpstream();
  const h = await startHarness();
  h.scaler.set({ name: 'web', phase: 'awake', pause: { mode: 'as-is' } });
  h.scaler.endpoints('web', [app.endpoint]);
  expect((await h.send()).status).toBe(200);
  await h.end({ forwarded: 1 });
});

test('where what is known may be out of date the scaler is asked, and its word is the answer', async () => {
  const h = await startHarness({ clock: createFakeClock() });
  h.scaler.stale = true;
  h.scaler.set({ name: 'web', pause: { mode: 'asleep', until } });
  const answers = [h.send(), h.send()];
  const call = await h.scaler.call(0);
  await h.until(() => h.held() === 2);
  call.fail(terminal(new ScalerError('paused', 'default/web is paused asleep')));
  for (const { status, headers, problem } of await Promise.all(answers)) {
    expect({ status, code: problem.code, after: headers['retry-after'] }).toEqual({
      ...{ status: 503, code: 'wake-failed', after: '90' },
    });
  }
  await h.end({ 'wake-failed': 2 });
});
