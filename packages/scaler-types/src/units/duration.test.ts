import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatDuration, formatMetricWindow, parseAnyDuration, parseDuration } from './duration.ts';

describe('parseDuration', () => {
  test.each([
    ['0', 0],
    ['90s', 90_000],
    ['5m', 300_000],
    ['1h30m', 5_400_000],
    ['1h0m0s', 3_600_000],
    ['1.5s', 1_500],
    ['250ms', 250],
    ['1m250ms', 60_250],
    ['1h2m3s4ms', 3_723_004],
  ])('%s is %d ms', (text, ms) => expect(parseDuration(text)).toBe(ms));

  test.each(['', ' ', '5', '5 m', '5M', '-5m', '5m5m', '30s5m', '1d', 'm', '1.m', '5µs', '1e3s', '٥s'])(
    '"%s" is refused, with what is allowed',
    (text) => {
      expect(() => parseDuration(text)).toThrow(
        expect.objectContaining({
          code: 'invalid-duration',
          message: `"${text}" is not a duration: write it as 90s, 5m, 1h30m or 250ms`,
        }),
      );
    },
  );
});

test('a formatted duration is parsed back to the same whole milliseconds', () => {
  fc.assert(fc.property(fc.nat(10 ** 12), (ms) => expect(parseDuration(formatDuration(ms))).toBe(ms)));
});

test('a metric window is one unit, the largest that divides it, and parses back', () => {
  expect([90_000, 300_000, 3_600_000, 7_200_000, 86_400_000, 1_500].map(formatMetricWindow)).toEqual([
    '90s',
    '5m',
    '1h',
    '2h',
    '24h',
    '1500ms',
  ]);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10 ** 12 }), (ms) => expect(parseDuration(formatMetricWindow(ms))).toBe(ms)),
  );
});

test('of digits without end, or longer than can be counted, it is refused in a short message', () => {
  expect(() => parseDuration(`${'9'.repeat(240_000)}h`)).toThrow(
    /^"9{80}…" \(240001 characters\) is not a duration: .{0,90}$/,
  );
  expect(() => parseDuration('99999999999h')).toThrow('"99999999999h" is too long: the longest is 9007199254740991ms');
  expect(parseAnyDuration('99999999999h')).toBe(99_999_999_999 * 3_600_000);
});
