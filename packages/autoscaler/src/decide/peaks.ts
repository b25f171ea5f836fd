/** A value at a tick that no later tick has exceeded. */
export interface Peak {
  value: number;
  /** By the monotonic clock. */
  atMs: number;
}

/** Peaks kept of one want; beyond, the oldest two become one, as high as the one and as late as the other. */
const mostPeaks = 64;

/** The peaks of one window after one more value. Values fall and times rise, so the first is the highest. Pure. */
export function withPeak(
  peaks: readonly Peak[],
  value: number,
  { nowMs, windowMs }: { nowMs: number; windowMs: number },
): readonly Peak[] {
  const within = peaks.filter((peak) => peak.value > value && peak.atMs >= nowMs - windowMs);
  const [first, second, ...others] = [...within, { value, atMs: nowMs }];
  if (first === undefined || second === undefined) return [{ value, atMs: nowMs }];
  if (others.length + 2 <= mostPeaks) return [first, second, ...others];
  return [{ value: first.value, atMs: second.atMs }, ...others];
}

/** The highest peak since a time; undefined: there is none. */
export function highestSince(peaks: readonly Peak[], sinceMs: number): Peak | undefined {
  return peaks.find(({ atMs }) => atMs >= sinceMs);
}
