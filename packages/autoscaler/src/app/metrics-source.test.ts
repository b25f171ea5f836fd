import { expect, test } from '@jest/globals';
import { metricsSourceParser } from './parsers.ts';

test.each([
  ['none', []],
  ['prometheus', ['prometheus']],
  ['external-metrics, custom-metrics,external-metrics', ['external-metrics', 'custom-metrics']],
])('%s is understood, and written as it can be read again', (text, value) => {
  expect(metricsSourceParser.parse(text)).toEqual({ ok: true, value });
  expect(metricsSourceParser.parse(metricsSourceParser.format(value as never))).toEqual({ ok: true, value });
});

test.each(['', 'none,prometheus', 'guess', 'prometheus,'])('"%s" is refused', (text) => {
  expect(metricsSourceParser.parse(text)).toMatchObject({ ok: false });
});
