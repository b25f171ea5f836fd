import { describe, expect, test } from '@jest/globals';
import { type Mode, Workload } from './workload.ts';

function workload(
  mode: Mode,
  facts: Partial<Pick<Workload, 'phase' | 'replicas' | 'key'>>,
  slices: string[],
  pods: string[],
) {
  const one = Object.assign(new Workload('trials', 'a', mode), facts);
  for (const name of slices) one.slices.add(name);
  for (const name of pods) one.readyPods.add(name);
  return one;
}

describe('a workload is at rest', () => {
  test.each([
    ['selector, awake and restored', workload('selector', { phase: 'awake', replicas: 1 }, [], ['p'])],
    ['overlay, asleep behind a slice', workload('overlay', { phase: 'asleep', replicas: 0 }, ['s'], [])],
    ['selector, asleep behind slice and key', workload('selector', { phase: 'asleep', key: 'e' }, ['s'], [])],
    ['always, awake behind slice and key', workload('always', { phase: 'awake', replicas: 1, key: 'e' }, ['s'], ['p'])],
  ])('%s', (_, one) => expect(one.isAtRest).toBe(true));

  test.each([
    ['awake without a ready pod', workload('selector', { phase: 'awake', replicas: 1 }, [], [])],
    ['awake and still diverted', workload('overlay', { phase: 'awake', replicas: 1 }, ['s'], ['p'])],
    ['awake, always, and not diverted', workload('always', { phase: 'awake', replicas: 1 }, [], ['p'])],
    ['asleep with a replica', workload('always', { phase: 'asleep', replicas: 1, key: 'e' }, ['s'], [])],
    ['asleep, and its Service leads nowhere', workload('selector', { phase: 'asleep', key: 'e' }, [], [])],
    ['waking', workload('selector', { phase: 'waking', replicas: 1 }, [], ['p'])],
  ])('but not %s', (_, one) => expect(one.isAtRest).toBe(false));
});

test('an anchor fires once, and holds the write that it stands for', () => {
  const one = new Workload('trials', 'a', 'selector');
  let fired = 0;
  one.armed = { anchor: 'asleep:arrived', holdMs: 7, fire: () => (fired += 1) };
  expect([one.reach('asleep:done'), one.reach('asleep:arrived'), one.reach('asleep:arrived')]).toEqual([0, 7, 0]);
  expect(fired).toBe(1);
});
