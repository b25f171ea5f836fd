/** A pause that doubles with each failure in a row, counted from 1: `firstMs`, twice that, … up to `longestMs`. */
export function doublingMs(failures: number, firstMs: number, longestMs: number): number {
  return Math.min(longestMs, firstMs * 2 ** Math.min(Math.max(0, failures - 1), 30));
}

/** The same, shortened at random by up to half, so that many that failed together do not come back together. */
export function backoffMs(failures: number, firstMs: number, longestMs: number): number {
  return doublingMs(failures, firstMs, longestMs) * (0.5 + Math.random() / 2);
}
