import { expect, test } from '@jest/globals';
import { pauseInEffect, pauseModes, pauseText } from './pause.ts';

const until = '2026-12-01T08:00:00.000Z';
const endMs = Date.parse(until);

test.each(pauseModes)('a pause %s lasts up to its end, and for ever without one', (mode) => {
  expect(pauseInEffect({ mode, until }, endMs - 1)).toBe(mode);
  expect(pauseInEffect({ mode, until }, endMs)).toBeUndefined();
  expect(pauseInEffect({ mode }, Number.MAX_SAFE_INTEGER)).toBe(mode);
});

test('no pause is none, and one whose end cannot be read keeps it awake', () => {
  expect(pauseInEffect(undefined, 0)).toBeUndefined();
  for (const mode of pauseModes) expect(pauseInEffect({ mode, until: 'tomorrow' }, 0)).toBe('awake');
});

test('has a text with its end', () => {
  expect(pauseText({ mode: 'asleep', until })).toBe(`paused asleep until ${until}`);
  expect(pauseText({ mode: 'as-is' })).toBe('paused as-is');
});
