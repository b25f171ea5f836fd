import { expect, test } from '@jest/globals';
import { createFakeClock } from '@scaler/testing-kit';
import fc from 'fast-check';
import { startHarness } from '../testing/harness.ts';
import { startUpstream } from '../testing/upstream.ts';
import { type WakePlace, WakeLimits } from './wake-limits.ts';

const limits = (limit: number, namespaceLimit: number) => {
  const counts = { underWay: 0, waiting: 0 };
  const clock = createFakeClock();
  return { counts, clock, line: new WakeLimits({ limit, namespaceLimit, clock, counts }) };
};

test('beyond a limit they wait in order of arrival, with a turn for each namespace', () => {
  const { line, counts } = limits(2, 2);
  const turns: string[] = [];
  const places = new Map<string, WakePlace>();
  const enter = (name: string): void => {
    const place = line.enter(name.slice(0, 1), () => turns.push(name));
    places.set(name, place);
    if (place.taken) turns.push(name);
  };
  for (const name of ['a1', 'a2', 'a3', 'a4', 'a5', 'b1', 'b2', 'c1']) enter(name);
  expect([turns, counts]).toEqual([['a1', 'a2'], { underWay: 2, waiting: 6 }]);
  for (let i = 0; i < turns.length; i++) places.get(turns[i] as string)?.leave();
  expect(turns).toEqual(['a1', 'a2', 'a3', 'b1', 'c1', 'a4', 'b2', 'a5']);
  expect(counts).toEqual({ underWay: 0, waiting: 0 });
});

test('a namespace at its limit keeps no other waiting, and says so', () => {
  const { line } = limits(3, 1);
  const never = (): void => {
    throw new Error('no wake is left');
  };
  expect(['a', 'a', 'b', 'c', 'd'].map((namespace) => line.enter(namespace, never).taken)).toEqual([
    ...[true, false, true, true, false],
  ]);
  expect(line.reason('a')).toBe('wakes under way in namespace a: 1, the limit is 1');
  expect(line.reason('d')).toBe('wakes under way: 3, the limit is 3');
});

test('a wake that hangs leaves its place after 30 s, once', async () => {
  const { line, clock, counts } = limits(1, 1);
  const hung = line.enter('a', () => {});
  let turn = false;
  const next = line.enter('b', () => (turn = true));
  await clock.advance(29_999);
  expect([turn, hung.taken]).toEqual([false, true]);
  await clock.advance(1);
  expect([turn, hung.taken, next.taken]).toEqual([true, false, true]);
  hung.leave();
  expect(counts).toEqual({ underWay: 1, waiting: 0 });
  next.leave();
  next.leave();
  expect(counts).toEqual({ underWay: 0, waiting: 0 });
  expect(clock.pending).toEqual([]);
});

interface Step {
  readonly enters: boolean;
  readonly who: number;
}

const steps = fc.array(fc.record<Step>({ enters: fc.boolean(), who: fc.nat(1000) }), { maxLength: 120 });

test('whatever comes and goes: no limit is passed, no place is left free, and no wake is passed by', () => {
  const property = fc.property(
    fc.integer({ min: 1, max: 6 }),
    fc.integer({ min: 1, max: 4 }),
    steps,
    (all, own, list) => {
      const { line, counts } = limits(all, own);
      const live: { namespace: string; place: WakePlace; joined: number; passedBy: Map<string, number> }[] = [];
      const granted = (namespace: string, joined: number): void => {
        for (const waiter of live) {
          if (waiter.place.taken) continue;
          // Of the same namespace only those before it; of another, one for each turn of its own namespace.
          if (waiter.namespace === namespace) expect(joined).toBeLessThanOrEqual(waiter.joined);
          if (waiter.namespace === namespace) waiter.passedBy.clear();
          else if (taken(waiter.namespace) < own) {
            const times = (waiter.passedBy.get(namespace) ?? 0) + 1;
            waiter.passedBy.set(namespace, times);
            expect(times).toBe(1);
          }
        }
      };
      const taken = (namespace: string): number =>
        live.filter(({ place, namespace: one }) => one === namespace && place.taken).length;
      list.forEach(({ enters, who }, i) => {
        if (enters) {
          const namespace = 'abcd'.charAt(who % 4);
          const place = line.enter(namespace, () => granted(namespace, i));
          live.push({ namespace, place, joined: i, passedBy: new Map() });
        } else live.splice(who % Math.max(1, live.length), 1)[0]?.place.leave();
        const underWay = live.filter(({ place }) => place.taken);
        expect(counts).toEqual({ underWay: underWay.length, waiting: live.length - underWay.length });
        expect(underWay.length).toBeLessThanOrEqual(all);
        for (const { namespace, place } of live) {
          expect(taken(namespace)).toBeLessThanOrEqual(own);
          if (!place.taken) expect(underWay.length === all || taken(namespace) === own).toBe(true);
        }
      });
    },
  );
  fc.assert(property, { numRuns: 300 });
});

test('a crawler over many sleepers starts no more than the limit at once; each gets its turn as another serves', async () => {
  const app = await startUpstream();
  const h = await startHarness({ settings: { wakeLimit: 3, wakeLimitNamespace: 2 } });
  const names = Array.from({ length: 12 }, (_, i) => `app-${i}`);
  for (const name of names) {
    h.scaler.set({ name });
    h.scaler.endpoints(name, [app.endpoint]);
  }
  h.scaler.set({ name: 'quiet', namespace: 'other' });
  h.scaler.endpoints('quiet', [app.endpoint]);
  const answers = names.map((name) => h.send({ headers: { host: name } }));
  await h.until(() => names.every((name) => h.held(name) === 1));
  expect(h.scaler.calls).toHaveLength(2);
  answers.push(h.send({ headers: { host: 'quiet.other' } }));
  expect((await h.scaler.call(2)).key).toBe('other/quiet');
  expect([await h.metric('dlx_wakes_under_way'), await h.metric('dlx_wakes_waiting')]).toEqual([3, 10]);
  for (let i = 0; i < 13; i++) {
    (await h.scaler.call(i)).ok();
    expect(h.scaler.calls.length).toBeLessThanOrEqual(i + 3);
  }
  expect((await Promise.all(answers)).every(({ status }) => status === 200)).toBe(true);
  expect(h.scaler.calls).toHaveLength(13);
  expect([await h.metric('dlx_wakes_under_way'), await h.metric('dlx_wakes_waiting')]).toEqual([0, 0]);
  await h.end({ forwarded: 13 });
});

test('a client that waits in line in vain hears for what; a client that leaves leaves the line', async () => {
  const clock = createFakeClock();
  const h = await startHarness({ clock, settings: { wakeLimit: 1 } });
  for (const name of ['first', 'left', 'web']) h.scaler.set({ name, holdTimeoutMs: name === 'web' ? 5000 : 60_000 });
  const first = h.send({ headers: { host: 'first' } });
  await h.scaler.call(0);
  const left = await h.raw('GET / HTTP/1.1\r\nhost: left\r\n\r\n');
  await h.until(() => h.held('left') === 1);
  await clock.advance(1000);
  const web = h.send();
  await h.until(() => h.held() === 1);
  expect(await h.metric('dlx_wakes_waiting')).toBe(2);
  left.destroy();
  await h.until(() => h.held('left') === 0);
  await h.until(() => h.dlx.core.wakes.counts.waiting === 1);
  h.scaler.set({ name: 'first', targets: [] });
  expect((await first).problem.code).toBe('no-route');
  await clock.advance(5000);
  expect((await web).problem).toMatchObject({
    code: 'wake-timeout',
    detail: 'default/web was not awake after 5000 ms: wakes under way: 1, the limit is 1',
  });
  expect(h.dlx.resources.gates.get('default/web')?.wake.breaker.failures).toBe(0);
  await h.end({ 'client-gone': 1, 'no-route': 1, 'wake-timeout': 1 });
});

test('what is on its way up already, or needs no start, does not wait in line', async () => {
  const app = await startUpstream();
  const h = await startHarness({ settings: { wakeLimit: 1 } });
  for (const name of ['first', 'web']) h.scaler.set({ name });
  h.scaler.endpoints('web', [app.endpoint]);
  const socket = await h.raw('GET / HTTP/1.1\r\nhost: first\r\n\r\n');
  await h.scaler.call(0);
  const answer = h.send();
  await h.until(() => h.held() === 1);
  h.scaler.set({ name: 'web', phase: 'waking' });
  expect((await answer).status).toBe(200);
  expect(h.scaler.calls).toHaveLength(1);
  for (const phase of ['awake', 'parking', 'waking'] as const) {
    h.scaler.set({ name: phase, phase });
    const asked = h.send({ headers: { host: phase } });
    (await h.scaler.call(h.scaler.calls.length)).ok();
    h.scaler.endpoints(phase, [app.endpoint]);
    expect((await asked).status).toBe(200);
  }
  socket.destroy();
  await h.end({ forwarded: 4, 'client-gone': 1 });
});
