import { STATUS_CODES } from 'node:http';
import { nominatedBy } from './head.ts';

// Lengths of the names that may have to stay behind or are read.
const lengths = new Set([2, 7, 10, 14, 16, 17]);
/** Fields of an answer that concern the upstream's connection only, in lower case; `Connection` may name more. */
export const connectionFields = ['te', 'upgrade', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'connection'];
const dropped = new Set(connectionFields);

/** An answer's fields as they are passed on, flat, and its length where it has one. */
export interface ResponseHead {
  readonly fields: string[];
  readonly contentLength: number | undefined;
}

/** Reads undici's raw fields, leaving behind those that concern the upstream's connection only. */
export function readResponseHead(raw: readonly (Buffer | string)[]): ResponseHead {
  const fields: string[] = [];
  let contentLength: number | undefined;
  let connection: string | undefined;
  for (let i = 0; i < raw.length; i += 2) {
    const name = latin1(raw[i] as Buffer | string);
    const value = latin1(raw[i + 1] as Buffer | string);
    if (lengths.has(name.length)) {
      const lower = name.toLowerCase();
      if (lower === 'content-length') contentLength = Number(value);
      else if (dropped.has(lower)) {
        if (lower === 'connection') connection = connection === undefined ? value : `${connection},${value}`;
        continue;
      }
    }
    fields.push(name, value);
  }
  const nominated = connection === undefined ? undefined : nominatedBy(connection);
  return { fields: nominated === undefined ? fields : without(fields, nominated), contentLength };
}

/** Trailer fields, in pairs as `addTrailers` wants them. */
export function readTrailers(raw: readonly (Buffer | string)[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let i = 0; i < raw.length; i += 2) {
    pairs.push([latin1(raw[i] as Buffer | string), latin1(raw[i + 1] as Buffer | string)]);
  }
  return pairs;
}

/** The reason phrase where it differs from the standard one and may be sent. */
export function reasonPhrase(status: number, phrase: string | undefined): string | undefined {
  if (phrase === undefined || phrase === STATUS_CODES[status]) return undefined;
  return /^[\t\x20-\x7e]*$/.test(phrase) ? phrase : undefined;
}

function without(fields: readonly string[], names: ReadonlySet<string>): string[] {
  return fields.filter((_, i) => !names.has((fields[i - (i % 2)] as string).toLowerCase()));
}

function latin1(text: Buffer | string): string {
  return typeof text === 'string' ? text : text.toString('latin1');
}
