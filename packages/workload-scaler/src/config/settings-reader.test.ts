import { expect, test } from '@jest/globals';
import { parseOptions } from './options.ts';
import { createSettingsReader } from './settings.ts';

/** Annotations that count how often one of their values is read. */
function counted(annotations: Record<string, string>): { annotations: Record<string, string>; reads(): number } {
  let reads = 0;
  const get = (target: Record<string, string>, key: string): string | undefined => {
    reads += 1;
    return target[key];
  };
  return { annotations: new Proxy(annotations, { get }), reads: () => reads };
}

test('of thousands of unknown annotations few are read, however many there are', () => {
  const unknown = Array.from({ length: 6_000 }, (_, i) => [`scaler/unknown-${i}`, 'x']);
  const { annotations, reads } = counted({ ...Object.fromEntries(unknown), 'scaler/settle': '3s' });
  const { settings, problems } = createSettingsReader(parseOptions({}), false)('tenant', annotations);
  expect(settings.settleMs).toBe(3_000);
  expect(problems.at(-1)?.message).toBe('5997 more annotations of scaler/ are not known');
  expect(reads()).toBeLessThan(500);
});

test('the state, which is not the user’s, makes no wording another one', () => {
  const read = createSettingsReader(parseOptions({}), false);
  const one = read('tenant', { 'scaler/settle': '3s', 'scaler/state': 'a' });
  expect(read('tenant', { 'scaler/settle': '3s', 'scaler/state': 'b'.repeat(10_000) })).toBe(one);
});
