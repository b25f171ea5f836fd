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

/**
 * Fields that concern one connection and not the message (RFC 9110 §7.6.1, RFC 9113 §8.2.2), and fields that may not stand
 * in trailers (RFC 9110 §6.5.1): the one place that says what stays behind, for heads, 1xx and trailers, in both directions
 * and both protocols. Node throws at some of them that its own parsers let through.
 */

/** In lower case. `Connection` may name more, and `TE` may say `trailers`. */
export const connectionFields = [
  'te',
  'upgrade',
  'connection',
  'keep-alive',
  'http2-settings',
  'proxy-connection',
  'transfer-encoding',
] as const;
const known: ReadonlySet<string> = new Set(connectionFields);
const marks = new NameMarks(connectionFields);

/** How the message is framed, where it goes, who sends it and how its body is read: a recipient that merges trailers into its head must not be told so there. */
const headOnly: ReadonlySet<string> = new Set([
  'content-length',
  'trailer',
  'host',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-scaler-hop',
  'x-scaler-target',
  'max-forwards',
  'expect',
  'authorization',
  'proxy-authorization',
  'www-authenticate',
  'proxy-authenticate',
  'cookie',
  'set-cookie',
  'content-type',
  'content-encoding',
  'content-range',
]);

/** Whether a field concerns one connection, by its lower-case name. */
export function isConnectionField(lower: string): boolean {
  return marks.has(markOf(lower)) && known.has(lower);
}

/** Whether a field may stand in trailers, by its lower-case name. */
export function mayTrail(lower: string): boolean {
  return lower.charCodeAt(0) !== colon && !isConnectionField(lower) && !headOnly.has(lower);
}

const colon = 0x3a;

/** Lower-case names in a `Connection` field, but for those that are dropped or kept in any case. */
export function nominatedBy(connection: string): ReadonlySet<string> | undefined {
  // Nearly always one of these two, as it stands.
  if (connection === 'keep-alive' || connection === 'close') return undefined;
  const names = connection
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => !['', 'close', 'keep-alive', 'te', 'host', 'content-length'].includes(name));
  return names.length === 0 ? undefined : new Set(names);
}

/** Takes the fields of these lower-case names out of a flat list, in place. */
export function dropNamed(fields: string[], names: ReadonlySet<string>): void {
  let kept = 0;
  for (let i = 0; i < fields.length; i += 2) {
    if (names.has((fields[i] as string).toLowerCase())) continue;
    fields[kept] = fields[i] as string;
    fields[kept + 1] = fields[i + 1] as string;
    kept += 2;
  }
  fields.length = kept;
}
