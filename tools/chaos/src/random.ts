/** Numbers from a seed: the same seed, the same numbers. */
export type Random = ReturnType<typeof createRandom>;

/** Mulberry32: small, fast, and good enough to choose faults by. */
export function createRandom(seed: number) {
  let state = seed >>> 0;
  /** From 0 up to, but not including, 1. */
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  /** A whole number from 0 up to, but not including, `end`. */
  const below = (end: number): number => Math.floor(next() * end);
  return {
    next,
    below,
    /** A whole number from `first` to `last`. */
    between: (first: number, last: number): number => first + below(last - first + 1),
    /** True with this probability. */
    chance: (share: number): boolean => next() < share,
    /** @throws when the list is empty. */
    pick: <T>(list: readonly T[]): T => {
      if (list.length === 0) throw new Error('nothing to pick from');
      return list[below(list.length)] as T;
    },
  };
}
