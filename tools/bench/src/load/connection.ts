import { connect, type Socket } from 'node:net';

/** One connection to a server, one request at a time. Answers have a Content-Length. */
export interface Connection {
  readonly socket: Socket;
  /** Sends a request; `done` gets the status and the whole answer; 0 when the connection closed. */
  ask(request: readonly (string | Buffer)[], done: (status: number, answer: string) => void): void;
  readonly isOpen: boolean;
}

const statusEnd = 'HTTP/1.1 200'.length;

/** The connection is usable at once: what is sent before it is connected goes out then. */
export function openConnection(port: number): Connection {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  let text = '';
  /** Of the last answer: one of the same length and status is whole, which saves reading all of them. */
  let usual = { length: -1, start: '' };
  let waiting: ((status: number, answer: string) => void) | undefined;
  const finish = (status: number): void => {
    const [done, answer] = [waiting, text];
    waiting = undefined;
    text = '';
    done?.(status, answer);
  };
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    text = text === '' ? chunk : text + chunk;
    const start = text.slice(0, statusEnd);
    const isUsual = text.length === usual.length && start === usual.start;
    if (!isUsual && !isWhole(text)) return;
    if (!isUsual) usual = { length: text.length, start };
    finish(Number(start.slice(9)));
  });
  socket.on('error', () => {});
  socket.on('close', () => finish(0));
  return {
    socket,
    ask(request, done) {
      waiting = done;
      if (socket.destroyed) {
        finish(0);
        return;
      }
      socket.cork();
      for (const piece of request) socket.write(piece, 'latin1');
      socket.uncork();
    },
    get isOpen() {
      return !socket.destroyed && !socket.readableEnded;
    },
  };
}

/** Whether an answer is complete. One without a Content-Length is none of our apps': its head is enough to know that. */
export function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n');
  if (end === -1) return false;
  const length = /\r\ncontent-length: *(\d+)\r\n/i.exec(text.slice(0, end + 2))?.[1];
  return length === undefined || text.length >= end + 4 + Number(length);
}
