import type { FakeApi } from '@scaler/testing-kit/kubernetes';
import { mostWithin } from '../../../harness/report.ts';

/** The requests of the autoscaler to the API. */
export interface Calls {
  readonly all: number;
  /** Writes of slices. */
  readonly writes: number;
  /** The number in the busiest second. */
  readonly mostPerSecond: number;
  readonly mostWritesPerSecond: number;
  /** From the first write of a slice to the last. */
  readonly writingMs: number;
}

/** Counts requests from now until stopped. */
export function countCalls({ audit }: FakeApi): { stop(): Calls } {
  const all: number[] = [];
  const writes: number[] = [];
  const stop = audit.onEntry(({ userAgent, verb, gvr, at }) => {
    if (!userAgent.includes('autoscaler') || verb === 'watch') return;
    all.push(at);
    if (gvr.endsWith('endpointslices') && ['create', 'update', 'delete'].includes(verb)) writes.push(at);
  });
  return {
    stop: () => {
      stop();
      return {
        all: all.length,
        writes: writes.length,
        mostPerSecond: mostWithin(all, 1_000),
        mostWritesPerSecond: mostWithin(writes, 1_000),
        writingMs: writes.length === 0 ? 0 : Math.max(...writes) - Math.min(...writes),
      };
    },
  };
}
