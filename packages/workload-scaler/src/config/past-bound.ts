/** The longest value of an annotation that is a list. 32 KiB is an eighth of what Kubernetes lets an object have. */
export const longestList = 32_768;
/** The longest value of any other annotation: each is one word, number, time or address. */
export const longestValue = 2_048;
/** How many items a list has, by the annotation. */
export const mostItems = {
  services: 100,
  metrics: 32,
  hosts: 100,
  quiet: 64,
  'tcp-ports': 1_000,
} as const;

/**
 * A value has more than is read of one. `kept` is what it says within the bound: what sleeps is woken and served with
 * that, and with nothing less than before, so that a bound strands no client.
 */
export class PastBound<T> extends Error {
  readonly kept: T;

  constructor(message: string, kept: T) {
    super(message);
    this.kept = kept;
  }
}

/** Reads at most `most` items of a list. @throws PastBound with those that were read. */
export function readUpTo<A, B>(items: readonly A[], most: number, read: (items: readonly A[]) => B): B {
  if (items.length <= most) return read(items);
  throw new PastBound(`has ${items.length} items, at most ${most} are allowed`, read(items.slice(0, most)));
}

/**
 * The items that stand whole in a JSON list that was cut off, as a list. One pass: of each character it matters whether it
 * is within a text, and how deep.
 */
export function wholeItems(text: string): string {
  let depth = 0;
  let quoted = false;
  let end = 0;
  for (let i = 0; i < text.length; i++) {
    const character = text[i] as string;
    if (quoted) {
      if (character === '\\') i += 1;
      else if (character === '"') quoted = false;
    } else if (character === '"') quoted = true;
    else if (character === '[' || character === '{') depth += 1;
    else if (character === ']' || character === '}') {
      depth -= 1;
      if (depth === 1) end = i + 1;
    }
  }
  return end === 0 ? '[]' : `${text.slice(0, end)}]`;
}
