/** The steps of a history that its failure needs, as far as the tries found out. */
export interface Shrinking<T> {
  readonly steps: readonly T[];
  /** Number of shorter histories that were tried. */
  readonly tries: number;
}

export interface ShrinkOptions {
  /** The most tries. Default 60. */
  readonly tries?: number;
  /** Whether there is time for another. Default: always. */
  readonly mayGoOn?: () => boolean;
}

/**
 * Delta debugging: leaves out ever smaller parts, from the end on, as long as what is left still fails. `fails` plays
 * the candidate; a failure of another kind does not count.
 */
export async function shrink<T>(
  steps: readonly T[],
  fails: (candidate: readonly T[]) => Promise<boolean>,
  { tries: most = 60, mayGoOn = () => true }: ShrinkOptions = {},
): Promise<Shrinking<T>> {
  let left = steps;
  let tries = 0;
  let parts = 2;
  while (left.length > 1 && tries < most && mayGoOn()) {
    const size = Math.ceil(left.length / parts);
    let found = false;
    for (let from = left.length - size; from > -size && tries < most && mayGoOn(); from -= size) {
      const candidate = [
        ...left.slice(0, Math.max(0, from)),
        ...left.slice(Math.max(0, from) + size + Math.min(0, from)),
      ];
      tries += 1;
      if (!(await fails(candidate))) continue;
      left = candidate;
      found = true;
      break;
    }
    if (found) parts = Math.max(2, parts - 1);
    else if (size === 1) break;
    else parts = Math.min(left.length, parts * 2);
  }
  return { steps: left, tries };
}
