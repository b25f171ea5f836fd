import { IncomingMessage, ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { GatheredBytes, joinedBytes, ReadChunks, singleChunks, smallChunk } from '../chunks/chunks.ts';
import { type Head, mostFields, parseHost, readHead } from '../head/head.ts';
import { bodyAheadOf, type BoundsMet } from '../ledger/ledger.ts';
import type { Untaken } from '../ledger/stalls.ts';
import type { Refusal } from '../outcome.ts';
import { type Breakable, type Guarded, listen, unlisten } from '../sockets/guard.ts';

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

/**
 * A request's body as undici is given it. It touches the client's stream only once it is read, that is once the
 * upstream is connected, so a request that was not sent can go elsewhere; and whatever undici does to it, the
 * client's connection stays whole for our answer.
 * See docs/decisions/unread-bodies.md.
 */
export class RequestBody extends Readable implements Breakable {
  readonly #req: IncomingMessage;
  #reading = false;
  /** Whether something was taken from the client: no other try can send it. */
  touched = false;
  readonly #owner: Breakable;
  #onData: Guarded | undefined;
  #onEnd: Guarded | undefined;
  #chunks = 0;
  /** Small chunks that came in the same read: each by itself would cost a write of its own, and a client six bytes. */
  readonly #gathered = new GatheredBytes();

  constructor(req: IncomingMessage, owner: Breakable) {
    super({ highWaterMark: 65_536 });
    this.#req = req;
    this.#owner = owner;
  }

  broke(error: unknown): void {
    this.#owner.broke(error);
  }

  /** Whether the upstream wants more of it and the client sends none. */
  get waits(): boolean {
    return this.#reading && !this.#req.readableEnded && !this.#req.isPaused();
  }

  override _read(): void {
    if (!this.#reading) {
      this.#reading = true;
      this.#onData = listen(this.#req, 'data', this, this.#take);
      this.#onEnd = listen(this.#req, 'end', this, this.#takeEnd);
    }
    this.#req.resume();
  }

  override _destroy(_error: Error | null, callback: (error?: Error | null) => void): void {
    if (this.#reading) {
      unlisten(this.#req, 'data', this.#onData);
      unlisten(this.#req, 'end', this.#onEnd);
      // The rest of a body that was begun is thrown away, so that the connection can go on.
      if (this.touched) this.#req.resume();
      else this.#req.pause();
    }
    callback(null);
  }

  /** Passes on what was gathered. */
  flush(): void {
    if (this.#gathered.length === 0) return;
    const all = this.#gathered.take();
    if (!this.destroyed) this.#pass(all);
  }

  #take(chunk: Buffer): void {
    this.touched = true;
    this.#chunks += 1;
    const gathers = this.#gathered.length > 0;
    if (this.#chunks <= singleChunks || (chunk.length >= smallChunk && !gathers)) {
      this.#pass(chunk);
      return;
    }
    // Node runs its ticks between two chunks of one read.
    if (!gathers) setImmediate(flush, this);
    this.#gathered.add(chunk);
    if (this.#gathered.length >= joinedBytes) this.flush();
  }

  #takeEnd(): void {
    this.touched = true;
    this.flush();
    this.push(null);
  }

  #pass(chunk: Buffer): void {
    if (!this.push(chunk)) this.#req.pause();
  }
}

function flush(body: RequestBody): void {
  try {
    body.flush();
  } catch (error) {
    body.broke(error);
  }
}

/** Bytes that are read of an endpoint's answer before it is read no further: three reads, two of them written already. */
export const readAhead = 196_608;

/**
 * Counts what waits of a request in HTTP/1; `paused`: its answer is read no further. `end` gets whether the client is
 * the one that takes nothing.
 */
export function untakenOf(
  {
    req,
    up,
    body,
    paused,
  }: { req: RawMessage; up: Socket | undefined; body: RequestBody | undefined; paused: boolean },
  end: (client: boolean) => void,
): Untaken {
  const down = req.socket.writableLength + (paused ? readAhead : 0);
  const unsent = body === undefined || up === undefined ? 0 : up.writableLength;
  const of = down > 0 || up === undefined ? req.socket : up;
  const taken = of.bytesWritten - of.writableLength;
  const read = body === undefined ? 0 : body.readableLength + req.unreadBytes;
  const bytes = down + unsent + read;
  const ahead = body === undefined || req.complete ? 0 : Math.max(0, bodyAheadOf(req.head) - read);
  return { bytes: down + unsent === 0 ? 0 : bytes, ahead, taken, end: () => end(down > 0) };
}
