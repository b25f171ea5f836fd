/** Letters of either case have the lowest five bits in common. */
const letters = 32;

/**
 * A name's length and first letter, in one number: nearly every name is told by it from all that are looked for, without a
 * copy in lower case.
 */
export function markOf(name: string): number {
  return name.length * letters + (name.charCodeAt(0) & (letters - 1));
}

/** The marks of some names. */
export class NameMarks {
  readonly #marked: Uint8Array;

  constructor(names: readonly string[]) {
    const longest = Math.max(...names.map(({ length }) => length));
    this.#marked = new Uint8Array((longest + 1) * letters);
    for (const name of names) this.#marked[markOf(name)] = 1;
  }

  /** Whether a name with this mark may be one of them. */
  has(mark: number): boolean {
    return this.#marked[mark] === 1;
  }
}
