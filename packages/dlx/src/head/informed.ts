import type { BoundsMet } from '../ledger/bounds-met.ts';

/** So many 1xx of one request are passed on, with so many characters in all: as much as a head may have. */
const mostPassed = 100;
const mostPassedLength = 65_536;
/** An endpoint that says more than that before its answer is not waited for any more. */
const mostHeard = 1_000;
const mostHeardLength = 16 * 2 ** 20;
/** In HTTP/2 a field that was said before takes a byte to say, and as much to read as any other. */
const mostHeardFields = 16_384;

/** What a 1xx costs beside its fields. */
const lineLength = 32;

/** What is to become of a 1xx: `drop` leaves it out, `break` ends the request. */
export type InformedFate = 'pass' | 'drop' | 'break';

/** Whose answer it is. */
interface Answered {
  readonly core: { readonly accounting: { readonly bounds: BoundsMet } };
  readonly lane: { readonly gate: { readonly ref: { readonly namespace: string } } } | undefined;
}

/** Counts what an endpoint says before its answer begins: a 1xx has no back-pressure, and they may be without number. */
export class Informed {
  readonly #x: Answered;
  #count = 0;
  #length = 0;
  #fields = 0;

  constructor(x: Answered) {
    this.#x = x;
  }

  /** `waits`: the client still has to take what it was sent. */
  take(fields: readonly { readonly length: number }[], waits: boolean): InformedFate {
    this.#count += 1;
    this.#length += lineLength;
    this.#fields += fields.length / 2;
    for (const { length } of fields) this.#length += length;
    if (!waits && this.#count <= mostPassed && this.#length <= mostPassedLength) return 'pass';
    this.#x.core.accounting.bounds.met('informational', this.#x.lane?.gate.ref.namespace);
    const tooMuch = this.#count > mostHeard || this.#length > mostHeardLength || this.#fields > mostHeardFields;
    return tooMuch ? 'break' : 'drop';
  }
}

export const tooMuchSaid = `said more than ${mostHeard} times, in more than ${mostHeardLength} bytes or ${mostHeardFields} fields, that its answer is to come`;

/** Fields of a 103, in the form in which Node takes them. */
export function hintsOf(fields: readonly string[]): Record<string, string | string[]> {
  const hints = Object.create(null) as Record<string, string | string[]>;
  for (let i = 0; i < fields.length; i += 2) {
    const name = (fields[i] as string).toLowerCase();
    const value = fields[i + 1] as string;
    // It has no body, whatever it says.
    if (name === 'content-length') continue;
    hints[name] = name in hints ? [hints[name] as string | string[], value].flat() : value;
  }
  return hints;
}
