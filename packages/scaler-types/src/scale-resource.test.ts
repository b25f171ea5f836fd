import { expect, test } from '@jest/globals';
import { metricFullName } from './scale-resource.ts';

const metric = { metricName: 'requests', windowSize: 300_000, threshold: 0 };

test('the full name is name_per_window, as in v3io', () => {
  expect(metricFullName(metric)).toBe('requests_per_5m');
  expect(metricFullName({ ...metric, windowSize: 90_000 })).toBe('requests_per_90s');
});

test('the pattern is the reader’s, each placeholder as often as it likes', () => {
  expect(metricFullName(metric, 'app:<name>:<window>')).toBe('app:requests:5m');
  expect(metricFullName(metric, '<name>_<name>')).toBe('requests_requests');
  expect(metricFullName({ ...metric, metricName: '$&' }, '<name>')).toBe('$&');
});
