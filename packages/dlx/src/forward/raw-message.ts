import { IncomingMessage } from 'node:http';
import { type Head, readHead } from './head.ts';

/** A request whose fields were read once, for what a proxy needs of them. */
export interface RawMessage extends IncomingMessage {
  readonly head: Head;
}

/**
 * The class of requests for `http.createServer`. Its `headers` hold no more than what Node itself asks for, which is
 * how the body is framed and `Expect`: building the whole object costs more than anything that we do with a request.
 */
export function rawMessageClass(targetHeader: string): typeof IncomingMessage {
  class Message extends IncomingMessage implements RawMessage {
    #head: Head | undefined;

    get head(): Head {
      this.#head ??= readHead(this.rawHeaders, targetHeader);
      return this.#head;
    }
  }
  Object.defineProperty(Message.prototype, 'headers', {
    get(this: Message): Head['framing'] {
      return this.head.framing;
    },
  });
  return Message;
}
