/** One request as a reader saw it that takes nothing but the letter of RFC 9112. All texts in latin1. */
export interface StrictRequest {
  readonly method: string;
  readonly target: string;
  readonly version: string;
  /** In order, as they came. */
  readonly fields: readonly (readonly [string, string])[];
  readonly body: string;
}

/** What is let through beyond the one form that a careful sender uses. */
export interface Allowances {
  /**
   * Chunk extensions and trailers, empty lines before a request, more than one space in its line, HTTP/1.0, targets in
   * absolute form and `*`: what RFC 9112 lets a server take, and Node takes.
   */
  readonly client: boolean;
}

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const value = /^[\t\x20-\x7e\x80-\xff]*$/;
const requestLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e\x80-\xff]+) HTTP\/(1\.[01])$/;
const spacedLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) +([\x21-\x7e\x80-\xff]+) +HTTP\/(1\.[01])$/;
const plainChunk = /^([0-9a-fA-F]{1,13})$/;
const extendedChunk = /^([0-9a-fA-F]{1,13})(?:[\t ]*;[\t\x20-\x7e\x80-\xff]*)?$/;

class Violation {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/**
 * Reads requests from the bytes of one connection, and stops for good at the first that is not as RFC 9112 wants it.
 * Shares nothing with Node's parser: what both read alike has one meaning.
 */
export class StrictRequests {
  readonly requests: StrictRequest[] = [];
  /** Of the request that has a head and is not whole yet. */
  begun: Omit<StrictRequest, 'body'> | undefined;
  /** Why nothing more is read. */
  violation: string | undefined;
  readonly #client: boolean;
  #text = '';
  #at = 0;

  constructor({ client }: Allowances = { client: false }) {
    this.#client = client;
  }

  /** Whether it stands between two requests. */
  get between(): boolean {
    return this.violation === undefined && this.#text === '';
  }

  /** Returns how many requests were completed by these bytes. */
  push(bytes: Buffer | string): number {
    const before = this.requests.length;
    this.#text += typeof bytes === 'string' ? bytes : bytes.toString('latin1');
    try {
      while (this.violation === undefined && this.#text !== '' && this.#next()) {
        this.#text = this.#text.slice(this.#at);
      }
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      this.violation = error.text;
    }
    return this.requests.length - before;
  }

  /** Reads one whole request; false: there is not enough of it yet. */
  #next(): boolean {
    this.#at = 0;
    if (this.#client) this.#text = this.#text.replace(/^[\r\n]+/, '');
    const line = this.#line();
    if (line === undefined) return false;
    const pattern = this.#client ? spacedLine : requestLine;
    const [, method = '', target = '', version = ''] = pattern.exec(line) ?? fail('request line', line);
    if (!this.#client && (version !== '1.1' || !target.startsWith('/'))) fail('not in origin form of 1.1', line);
    const fields = this.#fields();
    if (fields === undefined) return false;
    this.begun = { method, target, version, fields };
    const body = this.#body(fields, version);
    if (body === undefined) return false;
    this.requests.push({ ...this.begun, body });
    this.begun = undefined;
    return true;
  }

  #fields(): (readonly [string, string])[] | undefined {
    const fields: (readonly [string, string])[] = [];
    for (;;) {
      const line = this.#line();
      if (line === undefined) return undefined;
      if (line === '') return fields;
      const colon = line.indexOf(':');
      const name = line.slice(0, Math.max(0, colon));
      if (!token.test(name)) fail('field name', line);
      const text = line.slice(colon + 1).replace(/^[\t ]+|[\t ]+$/g, '');
      if (!value.test(text)) fail('field value', line);
      fields.push([name, text]);
    }
  }

  #body(fields: readonly (readonly [string, string])[], version: string): string | undefined {
    const of = (wanted: string): string[] =>
      fields.filter(([name]) => name.toLowerCase() === wanted).map(([, text]) => text);
    const [hosts, lengths, codings] = [of('host'), of('content-length'), of('transfer-encoding')];
    if (hosts.length > 1 || (hosts.length === 0 && version === '1.1')) fail('Host', hosts.join());
    if (lengths.length + codings.length > 1) fail('framing', [...lengths, ...codings].join());
    const [length] = lengths;
    if (length !== undefined) {
      if (!/^\d{1,15}$/.test(length)) fail('Content-Length', length);
      return this.#take(Number(length));
    }
    const [coding] = codings;
    if (coding === undefined) return '';
    if (coding.toLowerCase() !== 'chunked' || version === '1.0') fail('Transfer-Encoding', coding);
    return this.#chunks();
  }

  #chunks(): string | undefined {
    let body = '';
    for (;;) {
      const line = this.#line();
      if (line === undefined) return undefined;
      const [, size = ''] = (this.#client ? extendedChunk : plainChunk).exec(line) ?? fail('chunk size', line);
      if (/^0+$/.test(size)) break;
      const data = this.#take(Number.parseInt(size, 16));
      if (data === undefined) return undefined;
      body += data;
      const end = this.#take(2);
      if (end === undefined) return undefined;
      if (end !== '\r\n') fail('end of a chunk', end);
    }
    const trailers = this.#fields();
    if (trailers !== undefined && trailers.length > 0 && !this.#client) fail('trailers', String(trailers));
    return trailers === undefined ? undefined : body;
  }

  #take(length: number): string | undefined {
    if (this.#text.length - this.#at < length) return undefined;
    this.#at += length;
    return this.#text.slice(this.#at - length, this.#at);
  }

  /** A line without its CRLF. Neither may stand alone, nor may NUL. */
  #line(): string | undefined {
    const end = this.#text.indexOf('\n', this.#at);
    const line = this.#text.slice(this.#at, end === -1 ? undefined : end);
    if (end === -1) {
      if (/\r[^]|\0/.test(line)) fail('bare CR or NUL', line);
      return undefined;
    }
    if (!line.endsWith('\r') || /[\r\0]/.test(line.slice(0, -1))) fail('line', line);
    this.#at = end + 1;
    return line.slice(0, -1);
  }
}

function fail(what: string, text: string): never {
  throw new Violation(`${what}: ${JSON.stringify(text.slice(0, 200))}`);
}
