import { IncomingMessage } from 'node:http';
import { ReadChunks } from '../chunks/read-chunks.ts';
import { type Head, readHead } from '../head/head.ts';

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
