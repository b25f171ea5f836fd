import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Connection } from '../accept/connection.ts';
import { fieldOf, hasBody } from '../head/head.ts';
import type { RawMessage } from '../http1/raw-message.ts';
import { heedErrors, ignoreErrors, listen, listenOnce } from '../sockets/guard.ts';
import { UpgradeCarrier } from './upgrade-carrier.ts';

/**
 * Protocols that are not taken up: Java's and Apache's clients offer them with any request, and the answer that they
 * expect is an ordinary one.
 */
const ignored = /^(?:h2c|tls\/.*)$/i;

/**
 * The protocols that a request offers to go over to, as they are passed on. Undefined where the offer is ignored, as
 * RFC 9110 §7.8 allows, and for HTTP/1.0 demands: the client may not go over before its body was read to the end, and
 * by then the answer may have begun.
 */
export function offerOf(req: RawMessage): string | undefined {
  if (req.httpVersion === '1.0' || hasBody(req.head)) return undefined;
  const offer = fieldOf(req.rawHeaders, 'upgrade') ?? '';
  const protocols = listOf(offer);
  const taken = protocols.filter((protocol) => !ignored.test(protocol));
  if (taken.length === 0) return undefined;
  return taken.length === protocols.length ? offer : taken.join(', ');
}

/** The members of a comma-separated field. */
export function listOf(field: string): string[] {
  return field
    .split(',')
    .map((member) => member.trim())
    .filter((member) => member !== '');
}

/**
 * Gives a request whose offer is ignored back to the server, as if it had come without: Node reads neither its body nor
 * what follows it once it has emitted an upgrade.
 */
export function replay(server: Server, req: RawMessage, socket: Socket, bytes: Buffer): void {
  socket.unshift(Buffer.concat([headWithoutOffer(req), bytes]));
  server.emit('connection', socket);
  // It may have been halted for the sake of requests before.
  socket.resume();
}

function headWithoutOffer({ method, url, httpVersion, rawHeaders }: RawMessage): Buffer {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    const value = valueWithoutOffer(name.toLowerCase(), rawHeaders[i + 1] as string);
    if (value !== undefined) lines.push(`${name}: ${value}`);
  }
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}

function valueWithoutOffer(name: string, value: string): string | undefined {
  if (name === 'upgrade') return undefined;
  if (name !== 'connection') return value;
  const kept = listOf(value).filter((option) => option.toLowerCase() !== 'upgrade');
  return kept.length === 0 ? undefined : kept.join(', ');
}

/** Node's own view of a server's socket. */
type ServerSocket = Socket & { _httpMessage?: ServerResponse | null };

/**
 * Lets a request that asked to leave HTTP through the gate like any other, or as one that asks for nothing if its offer is
 * ignored. Node has let go of its connection; `bytes` came behind its head.
 */
export function takeUpgrade(server: Server, connection: Connection, req: RawMessage, bytes: Buffer): void {
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
