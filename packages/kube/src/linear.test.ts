import { afterAll, expect, test } from '@jest/globals';
import { costProblems, startStepCounter } from '@scaler/testing-kit';

// What is imported from here on is counted block by block.
const counter = startStepCounter();
afterAll(() => counter.stop());
const { createJsonLines } = await import('./watch/json-lines.ts');
const { sliceAddresses } = await import('./services/service-addresses.ts');
const { serviceAddresses } = await import('./services/service-addresses.ts');
const { fitting, eventKey } = await import('./events/event-record.ts');

const sizes = [250, 500, 1_000];
const numbers = (size: number): number[] => Array.from({ length: size }, (_, i) => i);

test('Events and the lines of a watch take no more than their length', () => {
  const of = (size: number): (() => unknown) => {
    const labels = Object.fromEntries(numbers(size).map((i) => [`l${i}`, 'x']));
    const line = Buffer.from(`${JSON.stringify({ metadata: { namespace: 'n', name: 'w', uid: 'u', labels } })}\n`);
    return () => {
      eventKey(
        fitting({
          object: { apiVersion: 'v1', kind: 'K', name: 'n' },
          type: 'Normal',
          reason: 'R',
          message: 'm'.repeat(size),
        }),
      );
      const lines = createJsonLines('a watch');
      for (let at = 0; at < line.length; at += 1_024) for (const _ of lines.push(line.subarray(at, at + 1_024)));
    };
  };
  expect(costProblems(counter, { of, sizes, largest: { size: 8_000, steps: 2_000_000 } })).toEqual([]);
});

test('the addresses of a Service take no more than its slices have endpoints and ports', () => {
  const of = (size: number): (() => unknown) => {
    const ports = numbers(size).map((i) => ({ name: `p${i}`, port: i + 1, protocol: i % 2 === 0 ? 'TCP' : 'UDP' }));
    const endpoints = numbers(size).map((i) => ({ addresses: [`10.0.${i >> 8}.${i & 255}`] }));
    return () =>
      serviceAddresses([sliceAddresses({ metadata: {}, ports, endpoints: [...endpoints, ...endpoints] } as never)]);
  };
  expect(costProblems(counter, { of, sizes, largest: { size: 20_000, steps: 4_000_000 } })).toEqual([]);
});
