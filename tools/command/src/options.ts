/** One option of a command, and how its text becomes a value. */
export interface Option<T> {
  readonly doc: string;
  /** What stands for the value in the help, such as `N`. Undefined: the option is a switch and has no value. */
  readonly value?: string;
  /** What the value may be, for the sentence about a wrong one. */
  readonly allowed?: string;
  readonly fallback: T;
  /** One process of ours gives it to another, so the help leaves it out. */
  readonly hidden?: boolean;
  /** Undefined: the text is not allowed. */
  read(text: string): T | undefined;
}

export type Options = Readonly<Record<string, Option<unknown>>>;

/** What was given for each option, or its default. */
export type Values<O extends Options> = { readonly [K in keyof O]: O[K] extends Option<infer T> ? T : never };

interface Described {
  readonly doc: string;
  readonly value?: string;
}

interface DescribedText extends Described {
  readonly allowed?: string;
}

/** A switch. */
export function flag(doc: string, { hidden = false } = {}): Option<boolean> {
  return { doc, hidden, fallback: false, read: () => true };
}

/** Any text that does not look like an option. */
export function text(described: DescribedText & { readonly fallback: string }): Option<string>;
export function text(described: DescribedText): Option<string | undefined>;
export function text({
  allowed = 'a text',
  ...more
}: DescribedText & { readonly fallback?: string }): Option<string | undefined> {
  const read = (given: string): string | undefined => (given === '' || given.startsWith('-') ? undefined : given);
  return { value: 'TEXT', fallback: undefined, ...more, allowed, read };
}

/** A whole number. */
export function whole(described: Described & { readonly least: number; readonly fallback: number }): Option<number>;
export function whole(described: Described & { readonly least: number }): Option<number | undefined>;
export function whole({
  least,
  ...more
}: Described & { readonly least: number; readonly fallback?: number }): Option<number | undefined> {
  const read = (given: string): number | undefined => wholeOf(given, least);
  return { value: 'N', fallback: undefined, ...more, allowed: `a whole number of at least ${least}`, read };
}

/** Whole numbers with commas between them. */
export function wholes(described: Described): Option<readonly number[] | undefined> {
  const read = (given: string): readonly number[] | undefined => {
    const all = given.split(',').map((one) => wholeOf(one, 0));
    return all.every((one) => one !== undefined) ? all : undefined;
  };
  return { value: 'N,N', ...described, fallback: undefined, allowed: 'a list of whole numbers, such as 3,17', read };
}

function wholeOf(given: string, least: number): number | undefined {
  const value = Number(given);
  return /^\d+$/.test(given) && Number.isSafeInteger(value) && value >= least ? value : undefined;
}

/** One of some words. */
export function choice<W extends string>(described: Described & { readonly of: readonly W[] }): Option<W | undefined> {
  const { of, ...more } = described;
  const read = (given: string): W | undefined => of.find((word) => word === given);
  return { value: 'NAME', fallback: undefined, ...more, allowed: `one of ${of.join(', ')}`, read };
}
