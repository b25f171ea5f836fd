/** So many 1xx of one request are passed on, with so many characters in all: as much as a head may have. */
const mostPassed = 100;
const mostPassedLength = 65_536;
/** An endpoint that says more than that before its answer is not waited for any more. */
const mostHeard = 10_000;
const mostHeardLength = 16 * 2 ** 20;

/** What a 1xx costs beside its fields. */
const lineLength = 32;

/** What is to become of a 1xx: `drop` leaves it out, `break` ends the request. */
export type InformedFate = 'pass' | 'drop' | 'break';

/** Counts what an endpoint says before its answer begins: a 1xx has no back-pressure, and they may be without number. */
export class Informed {
  #count = 0;
  #length = 0;

  /** `waits`: the client still has to take what it was sent. */
  take(fields: readonly { readonly length: number }[], waits: boolean): InformedFate {
    this.#count += 1;
    this.#length += lineLength;
    for (const { length } of fields) this.#length += length;
    if (this.#count > mostHeard || this.#length > mostHeardLength) return 'break';
    return waits || this.#count > mostPassed || this.#length > mostPassedLength ? 'drop' : 'pass';
  }
}

export const tooMuchSaid = `said more than ${mostHeard} times, or more than ${mostHeardLength} bytes, that its answer is to come`;
