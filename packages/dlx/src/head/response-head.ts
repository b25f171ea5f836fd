import { type IncomingMessage, STATUS_CODES } from 'node:http';
import { connectionFields, dropNamed, isConnectionField, mayTrail, nominatedBy } from './connection-fields.ts';
import { markOf, NameMarks } from './name-marks.ts';

/** Names that may have to stay behind or are read. */
const read = new NameMarks([...connectionFields, 'content-length', 'trailer']);
const trailer: ReadonlySet<string> = new Set(['trailer']);

/** An answer's fields as they are passed on, flat, and its length where it has one. */
export interface ResponseHead {
  readonly fields: string[];
  readonly contentLength: number | undefined;
  /** Lower-case names of those that stayed behind because `Connection` named them. */
  readonly nominated: ReadonlySet<string> | undefined;
  /** `Trailer` is among the fields. */
  readonly announces: boolean;
}

/** Reads undici's raw fields, leaving behind those that concern the upstream's connection only. */
export function readResponseHead(raw: readonly (Buffer | string)[]): ResponseHead {
  const fields: string[] = [];
  let contentLength: number | undefined;
  let announces = false;
  let connection: string | undefined;
  for (let i = 0; i < raw.length; i += 2) {
    const name = latin1(raw[i] as Buffer | string);
    const value = latin1(raw[i + 1] as Buffer | string);
    if (read.has(markOf(name))) {
      const lower = name.toLowerCase();
      if (lower === 'content-length') contentLength = Number(value);
      else if (lower === 'trailer') announces = true;
      else if (isConnectionField(lower)) {
        if (lower === 'connection') connection = connection === undefined ? value : `${connection},${value}`;
        continue;
      }
    }
    fields.push(name, value);
  }
  const nominated = connection === undefined ? undefined : nominatedBy(connection);
  if (nominated !== undefined) dropNamed(fields, nominated);
  return { fields, contentLength, nominated, announces };
}

/**
 * Takes `Trailer` out of an answer that will not be sent in chunks: Node throws at it there, although it is no more than
 * an announcement, which HEAD and a `Content-Length` may have as well.
 */
export function dropAnnouncement(head: ResponseHead, { method, httpVersion }: IncomingMessage, status: number): void {
  if (!head.announces) return;
  const chunked = head.contentLength === undefined && method !== 'HEAD' && status !== 204 && status !== 304;
  if (!chunked || httpVersion !== '1.1') dropNamed(head.fields, trailer);
}

/** Trailer fields that are passed on, in pairs as `addTrailers` wants them; without those that `Connection` named. */
export function readTrailers(raw: readonly (Buffer | string)[], nominated?: ReadonlySet<string>): [string, string][] {
  const pairs: [string, string][] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const name = latin1(raw[i] as Buffer | string);
    const lower = name.toLowerCase();
    if (mayTrail(lower) && nominated?.has(lower) !== true) pairs.push([name, latin1(raw[i + 1] as Buffer | string)]);
  }
  return pairs;
}

/** The reason phrase where it differs from the standard one and may be sent. */
export function reasonPhrase(status: number, phrase: string | undefined): string | undefined {
  if (phrase === undefined || phrase === STATUS_CODES[status]) return undefined;
  return /^[\t\x20-\x7e]*$/.test(phrase) ? phrase : undefined;
}

function latin1(text: Buffer | string): string {
  return typeof text === 'string' ? text : text.toString('latin1');
}
