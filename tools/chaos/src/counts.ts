/** Counts how often each kind of thing happened: the counts show that a run exercised the product. */
export type Counts = ReturnType<typeof createCounts>;

export function createCounts() {
  const all: Record<string, number> = {};
  return {
    add: (what: string, times = 1): void => void (all[what] = (all[what] ?? 0) + times),
    all: all as Readonly<Record<string, number>>,
  };
}
