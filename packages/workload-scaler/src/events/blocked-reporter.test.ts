import { expect, test } from '@jest/globals';
import type { Managed } from '../cache/lookup.ts';
import { createBlockedReporter } from './standing-reporters.ts';

function stage() {
  const events: string[] = [];
  let nowMs = 0;
  const tell = createBlockedReporter({
    announce: (_, reason, message) => events.push(`${reason}: ${message}`),
    clock: { monotonic: () => nowMs } as never,
    warnOwner: () => undefined,
  });
  const managed = (uid = 'u1'): Managed => ({ workload: { namespace: 'shop', name: 'web', uid } }) as never;
  return { events, managed, tell, pass: (ms: number) => (nowMs += ms) };
}

test('what keeps a workload from ever sleeping is reported once, when it has stood for half a minute', () => {
  const { events, managed, tell, pass } = stage();
  tell(managed(), 'its pods have a sidecar');
  pass(29_999);
  tell(managed(), 'its pods have a sidecar');
  expect(events).toEqual([]);
  pass(1);
  tell(managed(), 'its pods have a sidecar');
  pass(60_000);
  tell(managed(), 'its pods have a sidecar');
  expect(events).toEqual(['CannotSleep: its pods have a sidecar']);
});

test('what is gone by then, or is another matter, begins anew', () => {
  const { events, managed, tell, pass } = stage();
  tell(managed(), 'no Service selects its pods');
  pass(20_000);
  tell(managed(), undefined);
  pass(20_000);
  tell(managed(), 'no Service selects its pods');
  pass(20_000);
  tell(managed('u2'), 'no Service selects its pods');
  pass(20_000);
  tell(managed('u2'), 'its Services also select the pods of other');
  expect(events).toEqual([]);
});
