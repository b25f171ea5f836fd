import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { heedErrors, ignoreErrors, listen, listenOnce } from '../sockets/guard.ts';
import type { RawMessage } from '../http1/raw-message.ts';
import type { Connection } from '../accept/connection.ts';
import { offerOf } from './offer.ts';
import { replay } from './replay.ts';
import { UpgradeCarrier } from './upgrade-carrier.ts';

/** Node's own view of a server's socket. */
type ServerSocket = Socket & { _httpMessage?: ServerResponse | null };

/** A request that asked to leave HTTP, when Node has let go of its connection. */
export interface Upgrade {
  readonly server: Server;
  readonly connection: Connection;
  readonly req: RawMessage;
  /** The bytes behind its head. */
  readonly bytes: Buffer;
}

/** Lets it through the gate like any other request, or as one that asks for nothing if its offer is ignored. */
export function takeUpgrade({ server, connection, req, bytes }: Upgrade): void {
  const { socket } = connection;
  // An error has no listener any more; 'close' follows.
  ignoreErrors(socket);
  connection.leftHttp = true;
  whenAnswered(connection, () => {
    const offer = offerOf(req);
    if (offer !== undefined) {
      const carrier = new UpgradeCarrier(req, connection, offer);
      carrier.watch(bytes);
      connection.receive(carrier);
      return;
    }
    heedErrors(socket);
    connection.leftHttp = false;
    replay(server, req, socket, bytes);
  });
}

/** Waits for the answers to what a client pipelined before; Node no longer tells them when the socket has drained. */
export function whenAnswered(connection: Connection, then: () => void): void {
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
