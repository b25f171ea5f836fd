import { IncomingMessage, ServerResponse, STATUS_CODES } from 'node:http';
import { ReadChunks } from '../chunks/chunks.ts';
import { type Head, mostFields, readHead } from '../head/head.ts';
import { parseHost } from '../identify/addresses.ts';
import type { BoundsMet } from '../ledger/ledger.ts';
import type { Refusal } from '../outcome.ts';

/** A request whose fields were read once, for what a proxy needs of them. */
export interface RawMessage extends IncomingMessage {
  readonly head: Head;
  /** Bytes of its body that were read and not taken. */
  readonly unreadBytes: number;
}

/**
 * The class of requests for `http.createServer`. Its `headers` hold no more than what Node itself asks for, which is
 * how the body is framed and `Expect`: building the whole object costs more than anything that we do with a request.
 */
export function rawMessageClass(targetHeader: string): typeof IncomingMessage {
  class Message extends IncomingMessage implements RawMessage {
    #head: Head | undefined;
    #chunks: ReadChunks | undefined;

    get head(): Head {
      this.#head ??= readHead(this.rawHeaders, targetHeader);
      return this.#head;
    }

    get unreadBytes(): number {
      return this.#chunks?.bytes ?? 0;
    }

    override push(chunk: Buffer | null): boolean {
      try {
        if (chunk === null && this.#chunks === undefined) return super.push(null);
        return (this.#chunks ??= new ReadChunks(this)).take(chunk);
      } catch (error) {
        this.destroy(error as Error);
        return false;
      }
    }

    override read(size?: number): unknown {
      return this.#chunks === undefined ? super.read(size) : this.#chunks.read(size);
    }
  }
  Object.defineProperty(Message.prototype, 'headers', {
    get(this: Message): Head['framing'] {
      return this.head.framing;
    },
  });
  return Message;
}

/** The fields that `ServerResponse.writeHead` leaves behind for the rest of the class, by names that are Node's own. */
interface Written {
  _header: string;
  _headerSent: boolean;
  _last: boolean;
}

/** An answer whose head may be written as it came. */
export class RawResponse extends ServerResponse {
  /**
   * The same as `writeHead` for an answer with `Content-Length` and `Date`, by a request that is not HEAD and on a
   * connection that is kept. Fields that a parser has just read need not be checked again one by one, which is a
   * twentieth of what forwarding a small answer costs. A test holds both to the same bytes.
   *
   * @param lines the fields, each line with its end.
   */
  writeHeadAsItCame(status: number, phrase: string | undefined, lines: string): void {
    this.statusCode = status;
    const written = this as unknown as Written;
    const statusLine = `HTTP/1.1 ${status} ${phrase ?? STATUS_CODES[status] ?? 'unknown'}`;
    written._header = `${statusLine}\r\n${lines}Connection: keep-alive\r\n\r\n`;
    written._headerSent = false;
    written._last = false;
  }
}

/** A request that is checked. */
export interface Checked {
  /** Is set to what is sent upstream. */
  path: string;
}

/** Refuses what Node's parser lets through in HTTP/1 and must not pass. */
export function checkRequest(
  to: Checked,
  bounds: BoundsMet,
  { head, httpVersion, url = '' }: RawMessage,
): Refusal | undefined {
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return bad(`HTTP/${httpVersion} by this request line`, 505);
  if (head.count > mostFields) return tooManyFields(bounds, head.count);
  if (head.hosts > 1) return bad('more than one Host');
  if (head.host === undefined && httpVersion !== '1.0') return bad('no Host');
  if (head.host !== undefined && head.host !== '' && parseHost(head.host) === undefined) return bad('not a Host');
  // Beyond it numbers are rounded, and the length that is sent on would be another.
  if (head.contentLength !== undefined && Number(head.contentLength) > Number.MAX_SAFE_INTEGER) {
    return bad('Content-Length beyond what can be counted', 413);
  }
  if (head.transferEncoding !== undefined && httpVersion === '1.0') return bad('Transfer-Encoding in HTTP/1.0');
  if (head.transferEncoding !== undefined && head.transferEncoding.trim().toLowerCase() !== 'chunked') {
    return bad(`Transfer-Encoding "${head.transferEncoding.slice(0, 80)}": only chunked is known`, 501);
  }
  const unexpected = badExpect(head);
  if (unexpected !== undefined) return unexpected;
  if (!url.startsWith('/')) return checkAbsolute(to, url, head.host);
  to.path = url;
  return undefined;
}

/** `GET http://host/path`: the authority must be the Host. */
function checkAbsolute(to: Checked, url: string, hostField = ''): Refusal | undefined {
  const match = /^https?:\/\/([^/?#]+)((?:[/?][^#]*)?)$/i.exec(url);
  if (match === null) return bad(`cannot forward the request target "${url.slice(0, 80)}"`);
  const [, authority = '', rest = ''] = match;
  const named = parseHost(authority);
  const host = parseHost(hostField);
  const same = named?.name === host?.name && (named?.port ?? 80) === (host?.port ?? 80);
  if (named === undefined || host === undefined || !same) {
    return bad('the request target names another host than Host does');
  }
  to.path = rest.startsWith('/') ? rest : `/${rest}`;
  return undefined;
}

/** It is counted for no namespace: the resource is not known yet. */
export function tooManyFields(bounds: BoundsMet, count: number): Refusal {
  bounds.count('fields');
  return bad(`${count} fields, of which ${mostFields} are allowed`, 431);
}

export function badExpect({ expect }: Head): Refusal | undefined {
  if (expect === undefined || expect.toLowerCase() === '100-continue') return undefined;
  return bad(`Expect "${expect.slice(0, 80)}": only 100-continue is known`, 417);
}

export function bad(detail: string, status?: number): Refusal {
  return { outcome: 'bad-request', detail, ...(status !== undefined && { status }) };
}
