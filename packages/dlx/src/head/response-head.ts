import { type IncomingMessage, STATUS_CODES } from 'node:http';
import {
  connectionFields,
  dropNamed,
  isConnectionField,
  markOf,
  mayTrail,
  mostFields,
  NameMarks,
  nominatedBy,
} from './head.ts';

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

const [colon, space, cr, lf] = [0x3a, 0x20, 0x0d, 0x0a];

/** An answer's head to which nothing has to be added, and its lines as they came. */
export interface PlainHead {
  /** Each with its line end; without the fields that concern the upstream's connection only. */
  readonly lines: string;
  readonly contentLength: number;
  /** The body is in the same chunk: all of it follows at once. */
  readonly isWhole: boolean;
}

/**
 * Reads undici's raw fields as pieces of the chunk in which they came: to make a string of each name and value costs
 * more than all else that is done with a small answer. Undefined where they have to be read one by one: there is no
 * `Date` or `Content-Length`, the head came in two chunks or is spaced in another way, `Connection` names more fields.
 */
export function readPlainHead(raw: readonly (Buffer | string)[]): PlainHead | undefined {
  const first = raw[0];
  const last = raw.at(-1);
  // Of one chunk as soon as these are: what lies between two chunks has a buffer of its own, and what follows is the next's.
  if (!Buffer.isBuffer(first) || !Buffer.isBuffer(last) || first.buffer !== last.buffer) return undefined;
  const chunk = Buffer.from(first.buffer);
  let lines = '';
  let contentLength: number | undefined;
  let dated = false;
  // Where the lines began that are not taken yet, and where the last one ended.
  let begin = first.byteOffset;
  let end = begin;
  for (let i = 0; i < raw.length; i += 2) {
    const at = end;
    const value = raw[i + 1] as Buffer;
    end = lineEnd(chunk, at, raw[i] as Buffer, value);
    if (end === -1) return undefined;
    switch (knownName(chunk, at, (raw[i] as Buffer).length)) {
      case undefined:
        continue;
      case 'date':
        dated = true;
        continue;
      case 'content-length':
        if (contentLength !== undefined) return undefined;
        contentLength = Number(value.toString('latin1'));
        continue;
      case 'connection':
        if (nominatedBy(value.toString('latin1')) !== undefined) return undefined;
    }
    // It stays behind.
    if (begin < at) lines += chunk.toString('latin1', begin, at);
    begin = end;
  }
  if (!dated || contentLength === undefined) return undefined;
  if (begin < end) lines += chunk.toString('latin1', begin, end);
  return { lines, contentLength, isWhole: chunk.length === end + 2 + contentLength };
}

/** Where the line that begins at `at` ends, if it is the field as we would write it; else -1. */
function lineEnd(chunk: Buffer, at: number, name: Buffer, value: Buffer): number {
  const valueAt = at + name.length + 2;
  if (name.byteOffset !== at || value.byteOffset !== valueAt) return -1;
  const end = valueAt + value.length;
  const asWritten =
    chunk[valueAt - 2] === colon && chunk[valueAt - 1] === space && chunk[end] === cr && chunk[end + 1] === lf;
  return asWritten ? end + 2 : -1;
}

const knownBySize: (string[] | undefined)[] = [];
for (const name of ['date', 'content-length', ...connectionFields]) (knownBySize[name.length] ??= []).push(name);

function knownName(chunk: Buffer, at: number, size: number): string | undefined {
  const names = knownBySize[size];
  if (names === undefined) return undefined;
  for (const name of names) if (isNamed(chunk, at, name)) return name;
  return undefined;
}

function isNamed(chunk: Buffer, at: number, name: string): boolean {
  // Letters differ in one bit from their upper case, and nothing else that a name may have becomes a letter by it.
  for (let i = 0; i < name.length; i++) if (((chunk[at + i] as number) | 0x20) !== name.charCodeAt(i)) return false;
  return true;
}

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
