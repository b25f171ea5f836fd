/** Counts how often each kind of thing happened: the counts show that a run exercised the product. */
export interface Counts {
  add(what: string, times?: number): void;
  of(what: string): number;
  readonly all: ReadonlyMap<string, number>;
}

export function createCounts(): Counts {
  const all = new Map<string, number>();
  return {
    add: (what, times = 1) => void all.set(what, (all.get(what) ?? 0) + times),
    of: (what) => all.get(what) ?? 0,
    all,
  };
}
