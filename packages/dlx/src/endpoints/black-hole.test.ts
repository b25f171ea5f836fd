import { expect, test } from '@jest/globals';
import { createFakeClock } from '@scaler/testing-kit';
import { startBlackHole } from '../testing/children/child-app.ts';
import { type Answer, type Harness, startHarness } from '../testing/harness.ts';
import { ScriptedScaler } from '../testing/scripted-scaler.ts';
import { startUpstream } from '../testing/upstream.ts';

async function timed(h: Harness): Promise<{ answer: Answer; tookMs: number }> {
  const startedMs = performance.now();
  const answer = await h.send();
  return { answer, tookMs: performance.now() - startedMs };
}

test('one of three pods black-holed: the client sees 200 only, and no stall of a second', async () => {
  const hole = await startBlackHole();
  const apps = [await startUpstream(), await startUpstream()];
  const h = await startHarness({ scaler: new ScriptedScaler({ auto: true }), settings: { connectTimeoutMs: 5000 } });
  h.scaler.endpoints('web', [hole.endpoint, ...apps.map(({ endpoint }) => endpoint)]);
  h.scaler.set({ name: 'web', phase: 'awake' });
  await hole.cutOff();
  const seen = [];
  for (let i = 0; i < 12; i++) seen.push(...(await Promise.all(Array.from({ length: 5 }, () => timed(h)))));
  expect(seen.filter(({ answer }) => answer.status !== 200)).toEqual([]);
  expect(Math.max(...seen.map(({ tookMs }) => tookMs))).toBeLessThan(1000);
  // Only those who were sent there before one of them found out.
  expect(await h.metric('dlx_retries_total{kind="connect"}')).toBeLessThanOrEqual(4);
  await h.end({ forwarded: 60 });
});

test('when its time is over one request tries a black hole for all, and the others never wait', async () => {
  const clock = createFakeClock();
  const hole = await startBlackHole();
  const app = await startUpstream();
  const h = await startHarness({ clock, scaler: new ScriptedScaler({ auto: true }) });
  h.scaler.endpoints('web', [hole.endpoint, app.endpoint]);
  h.scaler.set({ name: 'web', phase: 'awake' });
  await hole.cutOff();
  const tried = (): Promise<number> => h.metric('dlx_retries_total{kind="connect"}');
  for (let i = 0; i < 4; i++) await h.send();
  expect(await tried()).toBe(1);
  for (const [pauseMs, tries] of [
    [999, 1],
    [1, 2],
    [1999, 2],
    [1, 3],
  ] as const) {
    await clock.advance(pauseMs);
    await Promise.all(Array.from({ length: 30 }, () => h.send()));
    expect(await tried()).toBe(tries);
  }
  await hole.comeBack();
  await clock.advance(4000);
  const bodies: string[] = [];
  for (let i = 0; i < 4; i++) bodies.push((await h.send()).body);
  expect(bodies.sort()).toEqual(['back', 'back', 'ok', 'ok']);
  expect(await tried()).toBe(3);
  await h.end({ forwarded: 128 });
});

test('a DLX that was busy itself takes no endpoint for a black hole', async () => {
  const apps = [await startBlackHole(), await startBlackHole()];
  const h = await startHarness({ scaler: new ScriptedScaler({ auto: true }) });
  h.scaler.endpoints(
    'web',
    apps.map(({ endpoint }) => endpoint),
  );
  h.scaler.set({ name: 'web', phase: 'awake' });
  const answer = h.send();
  // In the turn in which the connection was begun: that it stands can only be heard after this.
  await h.until(() => h.dlx.core.accounting.inFlight === 1);
  for (const endsAtMs = performance.now() + 400; performance.now() < endsAtMs;) continue;
  expect((await answer).status).toBe(200);
  expect(await h.metric('dlx_retries_total{kind="connect"}')).toBe(0);
  await h.end({ forwarded: 1 });
});

test('a pod whose network is not there yet, and which is the only one, is tried until it is', async () => {
  const hole = await startBlackHole();
  const h = await startHarness({ scaler: new ScriptedScaler({ auto: true }), settings: { connectTimeoutMs: 300 } });
  h.scaler.endpoints('web', [hole.endpoint]);
  h.scaler.set({ name: 'web', phase: 'awake' });
  await hole.cutOff();
  const answers = Array.from({ length: 20 }, () => h.send());
  // From then on one of them tries for all, now and then.
  await h.until(() => h.held() >= 19);
  await hole.comeBack();
  expect((await Promise.all(answers)).map(({ body }) => body)).toEqual(Array(20).fill('back'));
  await h.end({ forwarded: 20 });
});
