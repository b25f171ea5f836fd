/** A pause that doubles with each attempt (counted from 1) up to a bound; between half and all of that, so that many do not come back together. */
export function backoffMs(attempt: number, firstMs: number, longestMs: number): number {
  return Math.min(longestMs, firstMs * 2 ** Math.min(attempt - 1, 20)) * (0.5 + Math.random() / 2);
}
