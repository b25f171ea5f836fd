import { expect, test } from '@jest/globals';
import { createFakeClock } from '@scaler/testing-kit';
import { PortQuarrels } from './ports.ts';

test('labels that another client keeps writing are put right at once, then ever later, up to every ten minutes', () => {
  const clock = createFakeClock();
  const quarrels = new PortQuarrels(clock);
  expect(quarrels.leftMs('a')).toBe(0);
  const pauses = Array.from({ length: 9 }, () => {
    quarrels.putRight('a');
    return quarrels.leftMs('a') / 1_000;
  });
  expect(pauses).toEqual([10, 20, 40, 80, 160, 320, 600, 600, 600]);
  expect(quarrels.leftMs('b')).toBe(0);
});
