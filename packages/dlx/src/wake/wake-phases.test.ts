import { expect, test } from '@jest/globals';
import { createMetrics, type Metrics } from '@scaler/runtime';
import type { WakeStep } from '@scaler/scaler-types';
import { createFakeClock } from '@scaler/testing-kit';
import { secondsBuckets } from '../ledger/accounting.ts';
import { type Harness, startHarness } from '../testing/harness.ts';
import type { ScaleCall } from '../testing/scripted-scaler.ts';
import { refusingEndpoint, startTcp, startUpstream } from '../testing/upstream.ts';
import { WakeMetrics, type WakePhase, wakePhaseNames, WakePhases } from './wake-metrics.ts';

/** What was observed of each phase, in milliseconds, in order. */
function observed(h: Harness): Partial<Record<WakePhase, number[]>> {
  const seen: Partial<Record<WakePhase, number[]>> = {};
  for (const phase of wakePhaseNames) {
    h.dlx.core.wakes.phaseSeconds[phase].observe = (seconds) => {
      (seen[phase] ??= []).push(Math.round(seconds * 1000));
    };
  }
  return seen;
}

function tell({ options }: ScaleCall, step: WakeStep): void {
  options.progress?.({ namespace: 'default', name: 'web' }, step);
}

test('each phase of a wake is measured once, from the arrival of the first that is held', async () => {
  const clock = createFakeClock();
  const waiting: (() => void)[] = [];
  const app = await startUpstream((_req, res) => waiting.push(() => res.end('ok')));
  const h = await startHarness({ clock });
  const seen = observed(h);
  h.scaler.set({ name: 'web' });
  const answers = [h.send()];
  const call = await h.scaler.call(0);
  await clock.advance(100);
  answers.push(h.send());
  await h.until(() => h.held() === 2);
  tell(call, 'written');
  await clock.advance(200);
  tell(call, 'scheduled');
  tell(call, 'scheduled');
  call.options.progress?.({ namespace: 'default', name: 'web' }, 'made up' as WakeStep);
  await clock.advance(300);
  h.scaler.endpoints('web', [app.endpoint]);
  await clock.advance(50);
  expect(h.held()).toBe(2);
  call.ok();
  await h.until(() => waiting.length === 2);
  await clock.advance(40);
  for (const answer of waiting) answer();
  await Promise.all(answers);
  expect(seen).toEqual({ call: [100], scheduled: [300], ready: [650], first_byte: [690] });
  await h.end({ forwarded: 2 });
});

test('a scaler that tells nothing leaves phases out, and the next wake is measured anew', async () => {
  const clock = createFakeClock();
  const app = await startUpstream();
  const h = await startHarness({ clock });
  const seen = observed(h);
  h.scaler.endpoints('web', [app.endpoint]);
  for (const [index, ms] of [70, 30].entries()) {
    h.scaler.set({ name: 'web', phase: 'asleep' });
    const answer = h.send();
    const call = await h.scaler.call(index);
    await clock.advance(ms);
    call.ok();
    await answer;
    await clock.advance(60_000);
  }
  expect(seen).toEqual({ ready: [70, 30], first_byte: [70, 30] });
  await h.end({ forwarded: 2 });
});

test('a call that was given up tells nothing any more, and whose client left is not measured', async () => {
  const clock = createFakeClock();
  const app = await startUpstream();
  const h = await startHarness({ clock });
  const seen = observed(h);
  h.scaler.set({ name: 'web' });
  h.scaler.endpoints('web', [app.endpoint]);
  const socket = await h.raw('GET / HTTP/1.1\r\nhost: web\r\n\r\n');
  const first = await h.scaler.call(0);
  await h.until(() => h.held() === 1);
  socket.destroy();
  await h.until(() => h.held() === 0);
  await clock.advance(500);
  first.fail(new Error('no nodes'));
  await h.until(() => h.dlx.resources.gates.get('default/web')?.wake.calling === false);
  const answer = h.send();
  const second = await h.scaler.call(1);
  tell(first, 'written');
  await clock.advance(20);
  tell(second, 'written');
  second.ok();
  await answer;
  tell(second, 'scheduled');
  expect(seen).toEqual({ call: [20], ready: [20], first_byte: [20] });
  await h.end({ 'client-gone': 1, forwarded: 1 });
});

test('a wake that fails and is tried again is one wake, and so is one whose endpoint refuses at first', async () => {
  const clock = createFakeClock();
  const app = await startUpstream();
  const h = await startHarness({ clock });
  const seen = observed(h);
  h.scaler.set({ name: 'web' });
  const answer = h.send();
  const first = await h.scaler.call(0);
  tell(first, 'written');
  first.fail(new Error('no nodes'));
  await h.until(() => clock.pending.some(({ dueAtMs }) => dueAtMs === clock.now() + 100));
  await clock.advance(100);
  const second = await h.scaler.call(1);
  tell(second, 'written');
  tell(second, 'scheduled');
  h.scaler.endpoints('web', [refusingEndpoint()]);
  second.ok();
  await h.until(() => seen.ready !== undefined && h.held() === 1);
  await clock.advance(10);
  h.scaler.endpoints('web', [app.endpoint]);
  expect((await answer).status).toBe(200);
  expect(seen).toEqual({ call: [0], scheduled: [100], ready: [100], first_byte: [110] });
  await h.end({ forwarded: 1 });
});

test('one that is awake already has nothing to wait for, and is no wake', async () => {
  const app = await startUpstream();
  const h = await startHarness();
  const seen = observed(h);
  h.scaler.set({ name: 'web', phase: 'awake' });
  h.scaler.endpoints('web', [app.endpoint]);
  h.scaler.stale = true;
  const answer = h.send();
  const call = await h.scaler.call(0);
  tell(call, 'written');
  call.ok();
  expect((await answer).status).toBe(200);
  expect(seen).toEqual({});
  await h.end({ forwarded: 1 });
});

test('the first byte is the first that any of those who waited gets, also where the app goes over to another protocol', async () => {
  const clock = createFakeClock();
  const app = await startTcp((socket) =>
    socket.once('data', () => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n');
      socket.end();
    }),
  );
  const h = await startHarness({ clock });
  const seen = observed(h);
  h.scaler.set({ name: 'web' });
  h.scaler.endpoints('web', [app.endpoint]);
  const socket = await h.raw('GET / HTTP/1.1\r\nhost: web\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n');
  socket.on('end', () => socket.end()).resume();
  const call = await h.scaler.call(0);
  await clock.advance(5);
  call.ok();
  await h.until(() => h.dlx.core.accounting.outcomes.forwarded === 1);
  expect(seen).toEqual({ ready: [5], first_byte: [5] });
  await h.end({ forwarded: 1 });
});

test('Prometheus sees them, each phase from the start', async () => {
  const metrics: Metrics = createMetrics();
  const phases = new WakePhases(new WakeMetrics(metrics, secondsBuckets).phaseSeconds, 1000);
  phases.reach('call', 1040);
  phases.reach('call', 9000);
  const text = await metrics.text();
  for (const phase of wakePhaseNames) {
    const count = phase === 'call' ? 1 : 0;
    expect(text).toContain(`scaler_dlx_wake_phase_seconds_count{phase="${phase}"} ${count}`);
  }
  expect(text).toContain('scaler_dlx_wake_phase_seconds_bucket{le="0.05",phase="call"} 1');
  expect(text).toContain('scaler_dlx_wake_phase_seconds_bucket{le="0.025",phase="call"} 0');
});
