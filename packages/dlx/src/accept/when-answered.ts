import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type Breakable, listen, listenOnce } from '../sockets/guard.ts';

/** Node's own view of a server's socket. */
type ServerSocket = Socket & { _httpMessage?: ServerResponse | null };

/** Waits for the answers to what a client pipelined before; Node no longer tells them when the socket has drained. */
export function whenAnswered(connection: Breakable & { readonly socket: Socket }, then: () => void): void {
  const socket: ServerSocket = connection.socket;
  const pending = socket._httpMessage;
  if (pending === null || pending === undefined) {
    if (socket.writable) then();
    return;
  }
  const drained = listen(socket, 'drain', connection, () => void pending.emit('drain'));
  listenOnce(pending, 'close', connection, () => {
    socket.off('drain', drained);
    // Where the server stopped reading for the sake of those requests, only this makes the socket start again.
    socket.push('');
    whenAnswered(connection, then);
  });
}
