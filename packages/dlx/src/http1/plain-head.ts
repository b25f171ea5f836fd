import { connectionFields, nominatedBy } from '../head/connection-fields.ts';

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
