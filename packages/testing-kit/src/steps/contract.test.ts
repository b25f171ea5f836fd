import { afterAll, describe, expect, test } from '@jest/globals';
import { costProblems } from './linear.ts';
import { startStepCounter } from './steps.ts';

// What is imported from here on is counted block by block.
const counter = startStepCounter();
afterAll(() => counter.stop());
const { parseAnyDuration, parseDuration, parseQuantity, parseResource, parseScaleResource, shown } =
  await import('@scaler/scaler-types');

/** Of a text that tenants write. */
const largest = { size: 256 * 1_024, steps: 4 * 256 * 1_024 };
const sizes = [1_024, 8_192, 32_768];

const orNothing = (read: () => unknown): unknown => {
  try {
    return read();
  } catch (error) {
    return (error as Error).message;
  }
};

describe('the parsers of the contract take steps in proportion to their input', () => {
  test.each<[string, (text: string) => unknown]>([
    ['a quantity', parseQuantity],
    ['a duration', parseDuration],
    ['a duration that is cut', parseAnyDuration],
    ['a text that is shown', shown],
    ['a metric', (text) => parseScaleResource({ metric_name: text, window_size: text, threshold: text })],
    ['a metric that is none', (text) => parseScaleResource(text)],
    ['a resource', (text) => parseResource({ namespace: text, name: text, kind: text, pause: { mode: text } })],
  ])('%s', (_, read) => {
    const units = ['9', '0', '.', '1h', 'e1', '-', ' ', 'a', 'a.', '_per_1', '['];
    // All of them at once, since a look at the counts is what takes time: one that is not linear shows in the sum.
    const of = (size: number): (() => unknown) => {
      const texts = units.map((unit) => unit.repeat(size / unit.length));
      return () => texts.forEach((text) => orNothing(() => read(text)));
    };
    const problems = costProblems(counter, {
      ...{ of, sizes },
      largest: { size: largest.size, steps: units.length * largest.steps },
    });
    expect(problems).toEqual([]);
  });

  test('a resource of many of everything, and what is nested deep', () => {
    const of = (size: number): (() => unknown) => {
      const numbers = Array.from({ length: size }, (_, i) => i);
      let deep: unknown = 1;
      for (let i = 0; i < size; i++) deep = [deep];
      const resource = {
        ...{ namespace: 'n', name: 'r' },
        scaleResources: numbers.map((i) => ({ metricName: `m${i}`, windowSize: '5m', threshold: i })),
        targets: numbers.map((i) => ({ service: 's', port: (i % 65_535) + 1, routes: [{ host: `h${i}` }] })),
        quietRules: numbers.map((i) => ({ path: `/${i}`, headers: { [`x-${i}`]: 'y' } })),
      };
      return () => {
        orNothing(() => parseResource(resource));
        orNothing(() => parseResource({ ...resource, name: deep }));
        orNothing(() => parseResource(Object.fromEntries(numbers.map((i) => [`field${i}`, i]))));
      };
    };
    const cost = { of, sizes: [250, 500, 1_000], largest: { size: 10_000, steps: 8_000_000 } };
    expect(costProblems(counter, cost)).toEqual([]);
  });
});
