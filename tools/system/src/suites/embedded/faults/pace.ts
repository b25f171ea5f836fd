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
  return { atOnce: mostAtOnce(starts), ofOneNamespace: Math.max(0, ...own), perSecond: mostPerSecond(starts) };
}

function mostAtOnce(starts: readonly Start[]): number {
  const under = ({ startedMs }: Start): number =>
    starts.filter((other) => other.startedMs <= startedMs && !(other.readyMs <= startedMs)).length;
  return Math.max(0, ...starts.map(under));
}

function mostPerSecond(starts: readonly Start[]): number {
  const within = ({ startedMs: from }: Start): number =>
    starts.filter(({ startedMs }) => startedMs >= from && startedMs < from + 1_000).length;
  return Math.max(0, ...starts.map(within));
}
