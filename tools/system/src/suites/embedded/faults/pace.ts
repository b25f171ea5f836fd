/** One start that nobody asked for; milliseconds from a moment that all share, NaN: never. */
export interface Start {
  readonly namespace: string;
  readonly startedMs: number;
  readonly readyMs: number;
  readonly restoredMs: number;
}

export interface PaceSeen {
  /** Started and not ready yet, at the most. */
  readonly atOnce: number;
  readonly ofOneNamespace: number;
  /** Started within one second, at the most. */
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
