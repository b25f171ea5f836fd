import { constants, type Http2Stream } from 'node:http2';
import { ReadChunks } from '../../chunks/chunks.ts';
import type { Breakable } from '../../sockets/guard.ts';
import { resetStream } from './stream-end.ts';

/** Known to each copy of this module: they change one class. */
const ownChunks = Symbol.for('scaler.dlx.chunks');

type Joining = Http2Stream & { [ownChunks]?: StreamChunks };

let joined: object | undefined;

/** The chunks that a stream of HTTP/2 has read. */
export class StreamChunks extends ReadChunks {
  /** Ends if its reader throws; undefined: the stream has no request yet. */
  owner: Breakable | undefined;
  /** Its end was read. Node emits 'end' for a stream that was reset, too; here it knows already whether there was a reset. */
  whole = false;
  readonly #stream: Http2Stream;

  constructor(stream: Http2Stream) {
    super(stream);
    this.#stream = stream;
  }

  override take(chunk: Buffer | null): boolean {
    if (chunk === null && !this.#stream.closed) this.whole = true;
    return super.take(chunk);
  }

  broke(error: unknown): void {
    if (this.owner === undefined) resetStream(this.#stream, constants.NGHTTP2_INTERNAL_ERROR);
    else this.owner.broke(error);
  }
}

/**
 * The chunks that a stream has read. From the first call on every stream of the process joins its chunks: Node emits a
 * stream after it has read what came along with its head, so its class is changed, not the stream.
 */
export function chunksOf(stream: Joining): StreamChunks {
  joined ??= joinAll(stream);
  return (stream[ownChunks] ??= new StreamChunks(stream));
}

/** Changes the class that the streams of both sides have in common. */
function joinAll(stream: Http2Stream): object {
  const common = Object.getPrototypeOf(Object.getPrototypeOf(stream)) as object;
  return Object.assign(common, {
    push(this: Joining, chunk: Buffer | null): boolean {
      const chunks = chunksOf(this);
      try {
        return chunks.take(chunk);
      } catch (error) {
        chunks.broke(error);
        return false;
      }
    },
    read(this: Joining, size?: number): Buffer | null {
      const chunks = chunksOf(this);
      try {
        return chunks.read(size);
      } catch (error) {
        chunks.broke(error);
        return null;
      }
    },
  });
}
