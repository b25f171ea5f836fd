/**
 * `awake`: it is never parked, and woken where it sleeps. `asleep`: it is put to sleep whatever its metrics are, and no
 * request wakes it. `as-is`: it is neither parked nor woken.
 */
export const pauseModes = ['awake', 'asleep', 'as-is'] as const;
export type PauseMode = (typeof pauseModes)[number];

/** The owner's pause of a resource, which comes before its metrics and its requests. */
export interface Pause {
  mode: PauseMode;
  /** ISO 8601; the end of the pause. Absent: it lasts until it is removed. */
  until?: string;
}

/** The mode in effect at a time of the wall clock. An end that cannot be read makes it `awake`: unknown means awake. */
export function pauseInEffect(pause: Pause | undefined, nowMs: number): PauseMode | undefined {
  if (pause?.until === undefined) return pause?.mode;
  const untilMs = Date.parse(pause.until);
  if (Number.isNaN(untilMs)) return 'awake';
  return nowMs < untilMs ? pause.mode : undefined;
}

/** `paused asleep until 2026-12-01T08:00:00Z`, for reasons. */
export function pauseText({ mode, until }: Pause): string {
  return `paused ${mode}${until === undefined ? '' : ` until ${until}`}`;
}
