import { GatheredBytes } from '../chunks/chunks.ts';
import { mostFields } from './head.ts';
import { isNamed } from './response-head.ts';

/*
 * Old servers send heads that every client reads, and that a strict parser refuses. What RFC 9110 and 9112 tell an
 * intermediary to mend is mended here, before the strict parser reads it; what has more than one meaning is refused. There is
 * no lenient parser: it would take a bare CR for the end of a line, and so let a field's value add fields that no client sees.
 */

const [tab, lf, cr, space, colon] = [0x09, 0x0a, 0x0d, 0x20, 0x3a];
const [zero, nine] = [0x30, 0x39];

/** Bytes that a value may have, and a name (RFC 9110 §5.5, §5.6.2). */
const inValue = new Uint8Array(256).map((_, byte) => (byte === tab || (byte >= space && byte !== 0x7f) ? 1 : 0));
const inName = new Uint8Array(256).map((_, byte) =>
  /[!#$%&'*+.^_`|~0-9A-Za-z-]/.test(String.fromCharCode(byte)) ? 1 : 0,
);

/** Whether these bytes begin with a final answer's head, whole, in which there is nothing to mend and nothing to refuse. */
export function isPlainHead(bytes: Buffer): boolean {
  if (!isNamed(bytes, 0, 'http/1.') || bytes[8] !== space || !(bytes[9]! > 0x31 && bytes[9]! <= nine)) return false;
  if (bytes[7] !== 0x31 && bytes[7] !== zero) return false;
  let at = 9;
  let framings = 0;
  for (let lines = 0; lines <= mostFields; lines++) {
    while (inValue[bytes[at]!] === 1) at++;
    if (bytes[at] !== cr || bytes[at + 1] !== lf) return false;
    at += 2;
    if (bytes[at] === cr) return bytes[at + 1] === lf;
    const begin = at;
    while (inName[bytes[at]!] === 1) at++;
    if (bytes[at] !== colon || at === begin) return false;
    const size = at - begin;
    at += 1;
    const isLength = size === 14 && isNamed(bytes, begin, 'content-length');
    if (!isLength && !(size === 17 && isNamed(bytes, begin, 'transfer-encoding'))) continue;
    framings += 1;
    while (bytes[at] === space) at++;
    if (framings > 1 || !(isLength ? isNumber(bytes, at) : isNamed(bytes, at, 'chunked') && bytes[at + 7] === cr)) {
      return false;
    }
  }
  return false;
}

function isNumber(bytes: Buffer, at: number): boolean {
  let end = at;
  while (bytes[end]! >= zero && bytes[end]! <= nine) end++;
  return end > at && bytes[end] === cr;
}

/** A head's bytes, as many as an answer may have. */
const mostBytes = 65_536;

/** The head of an answer, read from the chunks in which it comes: with the 1xx before it, but for 100. */
export class MendedHead {
  readonly #came = new GatheredBytes();
  readonly #continued: () => void;
  /** No end of a head is before it. */
  #looked = 0;
  /** The final head is there: what follows is its body. */
  isWhole = false;

  /** `continued` is called for each `100 Continue`, which undici takes for an error. */
  constructor(continued: () => void) {
    this.#continued = continued;
  }

  /** What is to be parsed. Throws where it cannot be mended. */
  take(chunk: Buffer): Buffer {
    this.#add(chunk);
    const mended: Buffer[] = [];
    for (let end = this.#end(); end !== -1; end = this.#end()) {
      const bytes = this.#came.take();
      const { status, text } = mend(bytes.toString('latin1', 0, end));
      const rest = bytes.subarray(end);
      this.#looked = 0;
      if (status === 100) this.#continued();
      else mended.push(Buffer.from(text, 'latin1'));
      this.isWhole = status < 100 || status === 101 || status >= 200;
      if (this.isWhole) return Buffer.concat([...mended, rest]);
      this.#add(rest);
    }
    if (this.#came.length > mostBytes) throw new Error(`the head of the answer has more than ${mostBytes} bytes`);
    return Buffer.concat(mended);
  }

  /** An empty line before a head is none of its own (RFC 9112 §2.2). What does not begin as one never becomes one. */
  #add(chunk: Buffer): void {
    let at = 0;
    if (this.#came.length === 0) while (chunk[at] === cr || chunk[at] === lf) at += 1;
    this.#came.add(chunk.subarray(at));
    const begin = this.#came.peek().toString('latin1', 0, protocol.length);
    if (!protocol.startsWith(begin)) throw new Error(noStatusLine(begin));
  }

  /** Behind the empty line that ends the head, or -1. */
  #end(): number {
    const bytes = this.#came.peek();
    for (let at = bytes.indexOf(lf, this.#looked); at !== -1; at = bytes.indexOf(lf, at + 1)) {
      const next = bytes[at + 1] === cr ? at + 2 : at + 1;
      if (bytes[next] === lf) return next + 1;
    }
    // What may still become the end of it.
    this.#looked = Math.max(this.#looked, bytes.length - 2);
    return -1;
  }
}

/** One head as it is passed on to the parser. */
interface Mended {
  readonly status: number;
  readonly text: string;
}

function mend(head: string): Mended {
  // Lines may end in LF alone (RFC 9112 §2.2); the last two are the empty one and what is behind it.
  const [first = '', ...lines] = head.split(/\r?\n/).slice(0, -2);
  if (lines.length > mostFields) throw new Error(tooManyFields);
  // A higher minor version is read as the highest that is known (RFC 9110 §2.5).
  const start = /^HTTP\/([1-9])\.(\d) +(\d{3})(?: (.*))?$/s.exec(first);
  if (start === null) throw new Error(noStatusLine(first));
  const [, major, minor, status = '', phrase = ''] = start;
  const version = major === '1' && minor === '0' ? '1.0' : '1.1';
  const fields = new Fields();
  for (const line of lines) fields.add(line);
  const text = [`HTTP/${version} ${status} ${clean(phrase)}`, ...fields.lines(), '', ''].join('\r\n');
  return { status: Number(status), text };
}

const protocol = 'HTTP/';

function noStatusLine(begin: string): string {
  return `the answer begins with ${quoted(begin)}, which is no status line of HTTP/1`;
}

const tooManyFields = `the answer has more than ${mostFields} fields`;

/** The fields of a head that is mended. */
class Fields {
  readonly #fields: { name: string; value: string }[] = [];
  #length: string | undefined;
  #coding: string | undefined;
  /** It does not say one and the same thing of its end: nothing that comes behind it is to be read as an answer. */
  #isDoubtful = false;

  add(line: string): void {
    if (line.startsWith(' ') || line.startsWith('\t')) {
      // A fold is a space (RFC 9112 §5.2); before the first field the line is left out (§2.2).
      const last = this.#fields.at(-1);
      if (last !== undefined) last.value += ` ${clean(line).trim()}`;
      return;
    }
    const at = line.indexOf(':');
    // Spaces before the colon are left out (RFC 9112 §5.1).
    const name = line.slice(0, Math.max(0, at)).trimEnd();
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name))
      throw new Error(`the answer has the line ${quoted(line)}, which is no field`);
    this.#fields.push({ name, value: clean(line.slice(at + 1)).trim() });
  }

  /** The lines to pass on. */
  lines(): string[] {
    const lines: string[] = [];
    for (const { name, value } of this.#fields) {
      const lower = name.toLowerCase();
      if (lower === 'content-length') this.#readLength(value);
      else if (lower === 'transfer-encoding') this.#readCoding(value);
      else lines.push(`${name}: ${value}`);
    }
    // The chunks count, not the length (RFC 9112 §6.3).
    if (this.#coding !== undefined) {
      lines.push('Transfer-Encoding: chunked');
      this.#isDoubtful ||= this.#length !== undefined;
    } else if (this.#length !== undefined) lines.push(`Content-Length: ${this.#length}`);
    if (this.#isDoubtful) lines.push('Connection: close');
    return lines;
  }

  /** The same length more than once is one (RFC 9110 §8.6). */
  #readLength(value: string): void {
    for (const one of value.split(',').map((member) => member.trim())) {
      if (!/^\d+$/.test(one)) throw new Error(`the answer has Content-Length ${quoted(one)}, which is no number`);
      if (this.#length !== undefined) this.#isDoubtful = true;
      if (this.#length !== undefined && this.#length !== one) {
        throw new Error(`the answer has two lengths, ${quoted(this.#length)} and ${quoted(one)}`);
      }
      this.#length = one;
    }
  }

  /** Its coding is taken off by the parser, which knows chunks alone. */
  #readCoding(value: string): void {
    const coding = value.toLowerCase();
    if (coding === 'identity' || coding === '') return;
    if (coding !== 'chunked' || this.#coding !== undefined) {
      throw new Error(`the answer has Transfer-Encoding ${quoted(value)}: only chunked is known, once`);
    }
    this.#coding = coding;
  }
}

/** CR and NUL are spaces in a value (RFC 9110 §5.5), and so are other controls: the client's parser is no safe place for them. */
function clean(value: string): string {
  return value.replace(/[\x00-\x08\x0a-\x1f\x7f]/g, ' ');
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}
