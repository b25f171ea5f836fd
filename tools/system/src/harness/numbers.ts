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

/** `1.5 s` */
export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
