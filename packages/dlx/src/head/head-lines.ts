import { mostFields } from './head.ts';

const [lf, cr] = [10, 13];

export const tooManyFields = `the answer has more than ${mostFields} fields`;

/**
 * Counts the fields of an answer's head before it is parsed: that a parser's calls for fields of a few bytes do not take
 * a turn of the loop for long.
 */
export class HeadLines {
  #lines = 0;

  /** Whether the head that is awaited has more fields than it may, with these bytes. */
  tooMany(chunk: Buffer): boolean {
    let begin = 0;
    for (let at = chunk.indexOf(lf); at !== -1; at = chunk.indexOf(lf, at + 1)) {
      this.#lines += 1;
      // The status line is none.
      if (this.#lines > mostFields + 1) return true;
      const next = chunk[at + 1];
      if (next !== cr && next !== lf) continue;
      // Behind a head of 1xx there is another; behind any other a body, whose lines are its own.
      if (!isInformational(chunk, begin)) return false;
      begin = at + (next === cr ? 3 : 2);
      at = begin - 1;
      this.#lines = 0;
    }
    return false;
  }
}

function isInformational(chunk: Buffer, begin: number): boolean {
  return /^HTTP\/1\.\d 1/.test(chunk.toString('latin1', begin, begin + 10));
}
