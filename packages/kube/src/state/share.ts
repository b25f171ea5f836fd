const limit = 50_000;
const shapes = new Map<string, unknown>();

/**
 * Returns one frozen instance for all values of equal content. Thousands of workloads are made from a few templates;
 * without this each keeps its own copy. Forgets everything beyond a bound: sharing is for memory, never for identity.
 */
export function share<T extends object>(value: T): T {
  const key = JSON.stringify(value);
  const known = shapes.get(key);
  if (known !== undefined) return known as T;
  if (shapes.size >= limit) shapes.clear();
  shapes.set(key, Object.freeze(value));
  return value;
}
