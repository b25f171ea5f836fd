/**
 * Compares two resourceVersions: negative, zero or positive. They are decimal numbers too long for doubles; undefined
 * when one is something else, because then they cannot be compared.
 */
export function compareResourceVersions(a: string, b: string): number | undefined {
  if (!/^\d+$/.test(a) || !/^\d+$/.test(b)) return undefined;
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Whether `a` is surely older than `b`. */
export function isOlder(a: string, b: string | undefined): boolean {
  if (b === undefined) return false;
  const order = compareResourceVersions(a, b);
  return order !== undefined && order < 0;
}
