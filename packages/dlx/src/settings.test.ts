import { totalmem } from 'node:os';
import { expect, test } from '@jest/globals';
import { loadConfig } from '@scaler/runtime';
import { dataSettings, settings } from './settings.ts';

const given = (...argv: string[]): ReturnType<typeof dataSettings> =>
  dataSettings(loadConfig(settings, { argv, env: {} }).values);

test('bytes that may be held are as set, or half of the memory that there is, and no more than 4 GiB', () => {
  expect(given('--hold-bytes-total=1.5Gi').holdBytesTotal).toBe(1.5 * 2 ** 30);
  const { holdBytesTotal } = given();
  expect(holdBytesTotal).toBeGreaterThan(0);
  expect(holdBytesTotal).toBeLessThanOrEqual(Math.min(totalmem() / 2, 4 * 2 ** 30));
});

test.each(['100', '-1Gi', '1023Ki', 'much'])('%s bytes are refused, with what is allowed', (text) => {
  expect(() => given(`--hold-bytes-total=${text}`)).toThrow('512Mi or 2Gi, at least 1Mi');
});

test('the status beyond the bounds is 503 or 429', () => {
  expect([given().overflowStatus, given('--overflow-status=429').overflowStatus]).toEqual([503, 429]);
  expect(() => given('--overflow-status=500')).toThrow('503, 429');
});
