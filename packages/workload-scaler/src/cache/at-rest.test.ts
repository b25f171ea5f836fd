import { expect, test } from '@jest/globals';
import type { Workload } from '../workload/workload.ts';
import { createFakeClock } from '@scaler/testing-kit';
import { createAtRest } from './at-rest.ts';

const workload = { namespace: 'shop', name: 'web' } as Workload;

test('what was found at rest is passed by until something of it is heard, it is another object, or time has passed', async () => {
  const clock = createFakeClock();
  const atRest = createAtRest(clock, () => 0.5);
  expect(atRest.has(workload)).toBe(false);
  atRest.note(workload);
  expect(atRest.has(workload)).toBe(true);
  expect(atRest.has({ ...workload })).toBe(false);
  await clock.advance(119_999);
  expect(atRest.has(workload)).toBe(true);
  await clock.advance(1);
  expect(atRest.has(workload)).toBe(false);
  atRest.note(workload);
  atRest.forget({ namespace: 'shop', name: 'web' });
  expect(atRest.has(workload)).toBe(false);
});
