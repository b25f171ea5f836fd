import type { ServerResponse } from 'node:http';
import type { Exchange } from '../exchange/exchange.ts';
import { readResponseHead } from './response-head.ts';

/** So many 1xx of one request are passed on, with so many characters in all: as much as a head may have. */
const mostPassed = 100;
const mostPassedLength = 65_536;
/** An endpoint that sends more 1xx than that is not waited for any more. */
const mostHeard = 1_000;
const mostHeardLength = 16 * 2 ** 20;
/** In HTTP/2 a field that was sent before takes a byte to send, and as much to read as any other. */
const mostHeardFields = 16_384;

/** The cost of a 1xx beside its fields. */
const lineLength = 32;

/** The fate of a 1xx: `drop` leaves it out, `break` ends the request. */
export type InformedFate = 'pass' | 'drop' | 'break';

/** Counts the 1xx of an endpoint: they have no back-pressure, and may be without number. */
export class Informed {
  readonly #x: Exchange;
  #count = 0;
  #length = 0;
  #fields = 0;

  constructor(x: Exchange) {
    this.#x = x;
  }

  /** `waits`: the client still has to take what it was sent. */
  take(fields: readonly { readonly length: number }[], waits: boolean): InformedFate {
    this.#count += 1;
    this.#length += lineLength;
    this.#fields += fields.length / 2;
    for (const { length } of fields) this.#length += length;
    if (!waits && this.#count <= mostPassed && this.#length <= mostPassedLength) return 'pass';
    this.#x.core.accounting.bounds.count('informational', this.#x.lane?.gate.ref.namespace);
    const tooMuch = this.#count > mostHeard || this.#length > mostHeardLength || this.#fields > mostHeardFields;
    return tooMuch ? 'break' : 'drop';
  }
}

export const tooManyInformed = `sent too many 1xx: more than ${mostHeard}, or more than ${mostHeardLength} bytes or ${mostHeardFields} fields of them`;

/** What is done with the error of a hint that cannot be passed on: it may be left out. */
export function leavesOut({ core, lane }: Exchange): (error: unknown) => void {
  return (error) => core.logger.debug('early hint left out', { ...lane?.gate.ref, err: error });
}

/** Fields of a 103, in the form in which Node takes them. */
function hintsOf(fields: readonly string[]): Record<string, string | string[]> {
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

/**
 * Passes on a 1xx of an endpoint, by its raw fields, as far as Node can write it. `leftOut` gets the error of a hint
 * that it cannot.
 */
export function writeInformation(
  res: ServerResponse,
  status: number,
  raw: readonly (Buffer | string)[],
  leftOut: (error: unknown) => void,
): void {
  if (status === 102) res.writeProcessing();
  if (status !== 103) return;
  const hints = hintsOf(readResponseHead(raw).fields);
  try {
    if ('link' in hints) res.writeEarlyHints(hints);
  } catch (error) {
    // Node passes well-formed links only; a hint may be left out.
    leftOut(error);
  }
}
