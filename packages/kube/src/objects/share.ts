const mostBytes = 32 * 1024 * 1024;
/** A longer template is one workload's own as a rule; written anew each time it would drive out all others. */
const longest = 65_536;
/** A shape takes about so many times its text, the text among it. */
const perCharacter = 4;

const shapes = new Map<string, unknown>();
let bytes = 0;

/**
 * Returns one frozen instance for all values of equal content. Thousands of workloads are made from a few templates;
 * without this each keeps its own copy. Forgets everything beyond a bound: sharing is for memory, never for identity.
 */
export function share<T extends object>(value: T): T {
  const key = JSON.stringify(value);
  if (key.length > longest) return Object.freeze(value);
  const known = shapes.get(key);
  if (known !== undefined) return known as T;
  if (bytes > mostBytes) {
    shapes.clear();
    bytes = 0;
  }
  shapes.set(key, Object.freeze(value));
  bytes += key.length * perCharacter;
  return value;
}
