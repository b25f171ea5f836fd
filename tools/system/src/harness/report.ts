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

/** The value that a share `p` (0–1) of the sample does not exceed; NaN for an empty one. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(p * sorted.length) - 1)] ?? Number.NaN;
}

/** `p50 / p99` in whole milliseconds. */
export function spread(values: readonly number[]): string {
  return `${Math.round(percentile(values, 0.5))} / ${Math.round(percentile(values, 0.99))}`;
}

export function sum<T>(items: Iterable<T>, of: (item: T) => number): number {
  return [...items].reduce((total, item) => total + of(item), 0);
}

/** The most of these times that are within so long of each other. */
export function mostWithin(times: readonly number[], ms: number): number {
  const sorted = times.toSorted((a, b) => a - b);
  let most = 0;
  let first = 0;
  for (const [i, atMs] of sorted.entries()) {
    while (atMs - (sorted[first] ?? atMs) >= ms) first += 1;
    most = Math.max(most, i - first + 1);
  }
  return most;
}

/** `1.5 s` */
export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** Prints rows of texts and numbers as aligned lines; the first row is the head. */
export function printTable(
  rows: readonly (readonly (string | number)[])[],
  log: (line: string) => void = console.log,
): void {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, String(cell).length)));
  }
  for (const row of rows) {
    const cells = row.map((cell, i) => {
      const text = String(cell);
      return typeof cell === 'number' ? text.padStart(widths[i] ?? 0) : text.padEnd(widths[i] ?? 0);
    });
    log(`  ${cells.join('  ')}`.trimEnd());
  }
}
