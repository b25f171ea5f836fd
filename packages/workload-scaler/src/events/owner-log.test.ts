import { expect, test } from '@jest/globals';
import { createOwnerLog } from './owner-log.ts';

test('a namespace has 30 lines a minute, hears how many were left out, and takes none of another', () => {
  let nowMs = 0;
  const lines: [string, Record<string, unknown>][] = [];
  const logger = { warn: (message: string, fields: Record<string, unknown>) => lines.push([message, fields]) };
  const warn = createOwnerLog({ monotonic: () => nowMs } as never, logger as never);
  for (let i = 0; i < 8_000; i++) warn('loud', 'A workload needs its owner', { message: 'x'.repeat(10_000) });
  warn('quiet', 'A workload needs its owner', { message: 'y' });
  expect(lines).toHaveLength(31);
  expect(String(lines[0]?.[1]['message'])).toHaveLength(501);
  nowMs = 60_000;
  warn('loud', 'A workload needs its owner', { message: 'z' });
  expect(lines.slice(31)).toEqual([
    ['More about a namespace was left out of the log', { namespace: 'loud', lines: 7_970 }],
    ['A workload needs its owner', { message: 'z' }],
  ]);
});
