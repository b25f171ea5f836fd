import { mostWithin } from '../../../harness/report.ts';

/** One start without a request; milliseconds from one common moment, NaN: never. */
export interface Start {
  readonly namespace: string;
  readonly startedMs: number;
  readonly readyMs: number;
  readonly restoredMs: number;
}

export interface PaceSeen {
  /** The most that were started and not ready yet. */
  readonly atOnce: number;
  readonly ofOneNamespace: number;
  /** The most that were started within one second. */
  readonly perSecond: number;
}

export function paceOf(starts: readonly Start[]): PaceSeen {
  const namespaces = new Set(starts.map(({ namespace }) => namespace));
  const own = [...namespaces].map((name) => mostAtOnce(starts.filter(({ namespace }) => namespace === name)));
  const startedMs = starts.map((start) => start.startedMs).filter(Number.isFinite);
  return { atOnce: mostAtOnce(starts), ofOneNamespace: Math.max(0, ...own), perSecond: mostWithin(startedMs, 1_000) };
}

function mostAtOnce(starts: readonly Start[]): number {
  const under = ({ startedMs }: Start): number =>
    starts.filter((other) => other.startedMs <= startedMs && !(other.readyMs <= startedMs)).length;
  return Math.max(0, ...starts.map(under));
}
