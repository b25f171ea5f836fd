import { type IncomingMessage, STATUS_CODES } from 'node:http';
import { connectionFields, dropNamed, isConnectionField, markOf, mayTrail, NameMarks, nominatedBy } from './head.ts';

/** Names that may have to stay behind or are read. */
const read = new NameMarks([...connectionFields, 'content-length', 'trailer']);
const trailer: ReadonlySet<string> = new Set(['trailer']);
const length: ReadonlySet<string> = new Set(['content-length']);

/** An answer's fields as they are passed on, flat, and its length where it has one. */
export interface ResponseHead {
  readonly fields: string[];
  readonly contentLength: number | undefined;
  /** Lower-case names of those that stayed behind because `Connection` named them. */
  readonly nominated: ReadonlySet<string> | undefined;
  /** `Trailer` is among the fields. */
  readonly announces: boolean;
  /** The protocols that `Upgrade` names. */
  readonly upgrade: string | undefined;
}

/** Reads undici's raw fields, leaving behind those that concern the upstream's connection only. */
export function readResponseHead(raw: readonly (Buffer | string)[]): ResponseHead {
  const fields: string[] = [];
  let contentLength: number | undefined;
  let announces = false;
  let connection: string | undefined;
  let upgrade: string | undefined;
  for (let i = 0; i < raw.length; i += 2) {
    const name = latin1(raw[i] as Buffer | string);
    const value = latin1(raw[i + 1] as Buffer | string);
    if (read.has(markOf(name))) {
      const lower = name.toLowerCase();
      if (lower === 'content-length') contentLength = Number(value);
      else if (lower === 'trailer') announces = true;
      else if (isConnectionField(lower)) {
        if (lower === 'connection') connection = connection === undefined ? value : `${connection},${value}`;
        if (lower === 'upgrade') upgrade = upgrade === undefined ? value : `${upgrade}, ${value}`;
        continue;
      }
    }
    fields.push(name, value);
  }
  const nominated = connection === undefined ? undefined : nominatedBy(connection);
  if (nominated !== undefined) dropNamed(fields, nominated);
  return { fields, contentLength, nominated, announces, upgrade };
}

/** An answer on its way: what it answers, and whether its connection is kept. */
interface Answering {
  readonly status: number;
  readonly to: Pick<IncomingMessage, 'method' | 'httpVersion'>;
  readonly keepAlive: boolean;
  /** The DLX's name in `Via`, if it is to be there. */
  readonly via: string | undefined;
}

/**
 * Makes an answer's fields those of this status, on this connection. `Trailer` goes where no chunks are sent: Node throws at
 * it there, although it is no more than an announcement, which HEAD and a `Content-Length` may have as well. A 204 has no
 * length (RFC 9110 §8.6), and a 426 says what to upgrade to (§15.5.22).
 */
export function fitFields(
  head: ResponseHead,
  { status, to: { method, httpVersion }, keepAlive, via }: Answering,
): void {
  const { fields, announces, contentLength, upgrade } = head;
  const bodiless = method === 'HEAD' || status === 204 || status === 304;
  if (announces && (bodiless || contentLength !== undefined || httpVersion !== '1.1')) dropNamed(fields, trailer);
  if (status === 204 && contentLength !== undefined) dropNamed(fields, length);
  if (via !== undefined) fields.push('Via', `1.1 ${via}`);
  if (status === 426 && upgrade !== undefined) {
    fields.push('Connection', keepAlive ? 'upgrade' : 'close, upgrade', 'Upgrade', upgrade);
  }
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
      case 'trailer':
        return undefined;
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
for (const name of ['date', 'content-length', 'trailer', ...connectionFields])
  (knownBySize[name.length] ??= []).push(name);

function knownName(chunk: Buffer, at: number, size: number): string | undefined {
  const names = knownBySize[size];
  if (names === undefined) return undefined;
  for (const name of names) if (isNamed(chunk, at, name)) return name;
  return undefined;
}

/** Whether the bytes are a name, which is given in lower case. */
export function isNamed(chunk: Buffer, at: number, name: string): boolean {
  // Letters differ in one bit from their upper case, and nothing else that a name may have becomes a letter by it.
  for (let i = 0; i < name.length; i++) if (((chunk[at + i] as number) | 0x20) !== name.charCodeAt(i)) return false;
  return true;
}
