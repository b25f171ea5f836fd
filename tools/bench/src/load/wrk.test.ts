import { expect, test } from '@jest/globals';
import { loadIn } from './wrk.ts';

test('the result of wrk’s script is read', () => {
  const text =
    'Running 1s test @ http://127.0.0.1:1/\n  2 threads\nresult {"requests":1000,"microseconds":1000500,"bytes":5000,"failed":2,"p50":1500,"p99":12000}\n';
  expect(loadIn(text)).toEqual({ requests: 1000, seconds: 1.0005, bytes: 5000, failed: 2, p50Ms: 1.5, p99Ms: 12 });
});

test('an output without a result is an error that quotes it', () => {
  expect(() => loadIn('unable to connect')).toThrow('wrk printed no result: unable to connect');
});
