import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { RawMessage } from '../http1/raw-message.ts';
import { listOf } from './offer.ts';

/**
 * Gives a request whose offer is ignored back to the server, as if it had come without: Node reads neither its body nor
 * what follows it once it has told of an upgrade.
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
