import type { Http2Stream } from 'node:http2';
import { Readable } from 'node:stream';
import { ReadChunks } from '../chunks/read-chunks.ts';
import { dropStream } from './stream-end.ts';

/** Known to each copy of this module: they change one class. */
const ownChunks = Symbol.for('scaler.dlx.chunks');

type Joining = Http2Stream & { [ownChunks]?: StreamChunks };

let joined: object | undefined;

class StreamChunks extends ReadChunks {
  /** Its end was read. Node tells the 'end' of a stream that was reset, too; here it knows already whether there was a reset. */
  whole = false;
  readonly #stream: Joining;

  constructor(stream: Joining) {
    super(stream, (chunk) => Readable.prototype.push.call(stream, chunk));
    this.#stream = stream;
  }

  override take(chunk: Buffer | null): boolean {
    if (chunk === null && !this.#stream.closed) this.whole = true;
    return super.take(chunk);
  }
}

/**
 * What a stream has read. From the first call on every stream of the process joins its chunks: a stream is told of after what
 * came along with its head was read, so its class is changed, not the stream.
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
      try {
        return chunksOf(this).take(chunk);
      } catch {
        dropStream(this);
        return false;
      }
    },
    read(this: Joining, size?: number): unknown {
      try {
        this[ownChunks]?.flush();
        return Readable.prototype.read.call(this, size);
      } catch {
        dropStream(this);
        return null;
      }
    },
  });
}
