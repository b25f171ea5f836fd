import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { RawMessage } from '../forward/raw-message.ts';
import type { Connection } from '../server/connection.ts';
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
  /** What came behind its head. */
  readonly bytes: Buffer;
}

/** Lets it through the gate like any other request, or as one that asks for nothing if its offer is ignored. */
export function takeUpgrade({ server, connection, req, bytes }: Upgrade): void {
  const { socket } = connection;
  // Nobody listens any more; 'close' follows.
  socket.on('error', ignore);
  connection.leftHttp = true;
  whenAnswered(socket, () => {
    const offer = offerOf(req);
    if (offer !== undefined) {
      const carrier = new UpgradeCarrier(req, socket, offer, () => connection.linger());
      carrier.watch(bytes);
      connection.receive(carrier);
      return;
    }
    socket.off('error', ignore);
    connection.leftHttp = false;
    replay(server, req, socket, bytes);
  });
}

/** Waits for the answers to what a client pipelined before; Node no longer tells them when the socket has drained. */
export function whenAnswered(socket: ServerSocket, then: () => void): void {
  const pending = socket._httpMessage;
  if (pending === null || pending === undefined) {
    if (socket.writable) then();
    return;
  }
  const drained = (): void => void pending.emit('drain');
  socket.on('drain', drained);
  pending.once('close', () => {
    socket.off('drain', drained);
    // Where the server stopped reading for the sake of those requests, only this makes the socket start again.
    socket.push('');
    whenAnswered(socket, then);
  });
}

function ignore(): void {
  // See above.
}
