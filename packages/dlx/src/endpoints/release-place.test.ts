import { expect, test } from '@jest/globals';
import { ReleasePlace, ReleaseWindow } from './endpoint-state.ts';

test('a place that is left goes to the next request, once, when it is free already', () => {
  const window = new ReleaseWindow();
  const used: number[] = [];
  const place = new ReleasePlace(window, { pump: () => used.push(window.used) });
  expect([window.used, place.isTaken]).toEqual([1, true]);
  place.leave();
  place.leave();
  expect([window.used, place.isTaken, used]).toEqual([0, false, [0]]);
});
