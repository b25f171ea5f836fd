/** One property that a case had to show: the wanted value and the measured one. */
export interface Finding {
  readonly what: string;
  readonly wanted: string;
  readonly got: string;
  readonly good: boolean;
}

/** `TRIALS_TIMES=shown`: for shared machines, where a time depends on the neighbours as much as on the apps. */
const timesAreJudged = process.env['TRIALS_TIMES'] !== 'shown';

export function atMost(what: string, got: number, limit: number, unit = 'ms'): Finding {
  const finding = {
    what,
    wanted: `≤ ${limit} ${unit}`,
    got: `${Math.round(got * 10) / 10} ${unit}`,
    good: got <= limit,
  };
  if (timesAreJudged || unit !== 'ms') return finding;
  return { ...finding, wanted: `${finding.wanted}, shown`, good: Number.isFinite(got) };
}

export function none(what: string, got: number): Finding {
  return { what, wanted: '0', got: String(got), good: got === 0 };
}

export function all(what: string, got: number, wanted: number): Finding {
  return { what, wanted: String(wanted), got: String(got), good: got === wanted };
}

/** What holds of each of the items. */
export function each<T>(what: string, items: readonly T[], holds: (item: T, i: number) => boolean): Finding {
  return all(what, items.filter(holds).length, items.length);
}

export function atLeast(what: string, got: number | undefined, least: number): Finding {
  return { what, wanted: `≥ ${least}`, got: String(got), good: got !== undefined && got >= least };
}

/** What an act came to, or its error. */
export async function tried(what: string, wanted: string, act: () => Promise<string>): Promise<Finding> {
  try {
    return { what, wanted, got: (await act()).slice(0, 200), good: true };
  } catch (error) {
    return { what, wanted, got: String(error).slice(0, 200), good: false };
  }
}

/** What is measured and not judged. */
export function shown(what: string, got: string): Finding {
  return { what, wanted: 'shown', got, good: true };
}
