import { expect, test } from '@jest/globals';
import { afterRevert, backOffLeft, remembered, type Conflict } from './conflicts.ts';

const minute = 60_000;
const after = (...atMs: number[]): Conflict | undefined =>
  atMs.reduce<Conflict | undefined>((before, nowMs) => afterRevert(before, nowMs), undefined);

test('once is tolerated; the second within an hour is given way to', () => {
  expect(backOffLeft(after(0), 0)).toBe(0);
  expect(backOffLeft(after(0, 59 * minute), 59 * minute)).toBe(10 * minute);
  expect(backOffLeft(after(0, 60 * minute), 60 * minute)).toBe(0);
});

test('afterwards each single one is, for twice as long, up to six hours', () => {
  let nowMs = 0;
  let conflict = afterRevert(undefined, nowMs);
  const lengths: number[] = [];
  for (let i = 0; i < 8; i++) {
    conflict = afterRevert(conflict, nowMs);
    lengths.push(backOffLeft(conflict, nowMs) / minute);
    nowMs = conflict.untilMs ?? 0;
    expect(backOffLeft(conflict, nowMs)).toBe(0);
  }
  expect(lengths).toEqual([10, 20, 40, 80, 160, 320, 360, 360]);
});

test('what is taken back during the back-off does not make it longer', () => {
  expect(after(0, 0, minute, 2 * minute)).toMatchObject({ level: 1, untilMs: 10 * minute, times: 4 });
});

test('an hour without any after the back-off, and it is forgotten', () => {
  const conflict = after(0, 0);
  expect(remembered(conflict, 69 * minute)).toBe(conflict);
  expect(remembered(conflict, 70 * minute)).toBeUndefined();
  expect(backOffLeft(afterRevert(conflict, 70 * minute), 70 * minute)).toBe(0);
});
