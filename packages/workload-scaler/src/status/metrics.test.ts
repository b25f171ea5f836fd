import { expect, test } from '@jest/globals';
import type { DlxAddresses } from '../dlx/dlx-addresses.ts';
import { metricsOf } from './metrics.ts';
import type { Conflicts } from '../conflict/conflicts.ts';

const conflictsOf = (writers: readonly string[]) =>
  ({ writers: () => writers, reverts: new Map() }) as unknown as Conflicts;
const quiet = { isDlxGone: () => false, startThrottle: { waiting: 3 } as never, dlx: undefined, lostEvents: new Map() };

test('of other writers no more than 20 have a series of their own', () => {
  const writers = [...Array.from({ length: 30 }, (_, index) => `writer-${index}`), 'writer-0', 'writer-29'];
  const [contested] = metricsOf({ ...quiet, conflicts: conflictsOf(writers) });
  expect(contested?.samples).toHaveLength(21);
  expect(contested?.samples[0]).toEqual({ labels: { writer: 'writer-0' }, value: 2 });
  expect(contested?.samples.at(-1)).toEqual({ labels: { writer: 'other' }, value: 11 });
});

test('the dead-man switch is shown where there is a DLX to watch', () => {
  const names = (dlx: DlxAddresses | undefined) =>
    metricsOf({ ...quiet, isDlxGone: () => true, conflicts: conflictsOf([]), dlx }).map(({ name, samples }) => [
      name,
      samples[0]?.value,
    ]);
  expect(names(undefined)).toEqual([
    ['contested_resources', undefined],
    ['reverts_total', 0],
    ['events_lost_total', undefined],
  ]);
  expect(names({} as DlxAddresses).slice(3)).toEqual([
    ['dlx_gone', 1],
    ['dead_man_waiting', 3],
  ]);
});
