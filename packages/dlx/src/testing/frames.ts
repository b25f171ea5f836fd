import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Endpoint } from '@scaler/scaler-types';
import { startTcp } from './upstream.ts';

/** HTTP/2 frames as they are written, for what no peer of Node's would send. */
export function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

export type Fields = readonly (readonly [string, string])[];

/** Fields, none of them in a table. */
export function block(...fields: Fields): Buffer {
  return Buffer.concat(
    fields.flatMap(([name, value]) => [
      Buffer.of(0, name.length),
      Buffer.from(name),
      Buffer.of(value.length),
      Buffer.from(value, 'latin1'),
    ]),
  );
}

const [data, headers, settings, ping, windowUpdate] = [0, 1, 4, 6, 8];
const endStream = 1;
const endHeaders = 4;
const ack = 1;

/** A HEADERS frame. */
export function head(stream: number, fields: Fields, last = false): Buffer {
  return frame(headers, endHeaders | (last ? endStream : 0), stream, block(...fields));
}

/** A DATA frame. */
export function body(stream: number, text: string, last = false): Buffer {
  return frame(data, last ? endStream : 0, stream, Buffer.from(text, 'latin1'));
}

export const noSettings = frame(settings, 0, 0, Buffer.alloc(0));
/** How a client's connection begins. */
export const preface = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), noSettings]);

/** One frame as it was read. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** Reads frames, acknowledges settings and pings, and gives window for whatever comes. */
export function follow(socket: Socket, skipped: number, onFrame: (frame: Frame) => void): void {
  let rest = Buffer.alloc(0);
  let toSkip = skipped;
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    if (rest.length < toSkip) return;
    rest = rest.subarray(toSkip);
    toSkip = 0;
    while (rest.length >= 9) {
      const length = rest.readUIntBE(0, 3);
      if (rest.length < 9 + length) return;
      const seen = { type: rest[3] as number, flags: rest[4] as number, stream: rest.readUInt32BE(5) };
      const payload = rest.subarray(9, 9 + length);
      rest = rest.subarray(9 + length);
      if (seen.type === settings && (seen.flags & ack) === 0) socket.write(frame(settings, ack, 0, Buffer.alloc(0)));
      if (seen.type === ping && (seen.flags & ack) === 0) socket.write(frame(ping, ack, 0, payload));
      if (seen.type === data && length > 0) {
        const grant = Buffer.alloc(4);
        grant.writeUInt32BE(length);
        socket.write(frame(windowUpdate, 0, 0, grant));
        if ((seen.flags & endStream) === 0) socket.write(frame(windowUpdate, 0, seen.stream, grant));
      }
      onFrame({ ...seen, payload });
    }
  });
}

/** A RST_STREAM frame. */
export function reset(stream: number, code = 2): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(code);
  return frame(3, 0, stream, payload);
}

/**
 * An app in HTTP/2 that writes frames; it hears of each request without a body. To one with a body it gives it back; `uploads`
 * counts those of which a part has come. `onFrame` sees each frame that comes.
 */
export async function startFrameApp(
  onHead: (socket: Socket, stream: number) => void,
  onFrame: (frame: Frame) => void = () => {},
): Promise<{ endpoint: Endpoint; uploads(): number }> {
  let begun = 0;
  const app = await startTcp((socket) => {
    socket.write(noSettings);
    const bodies = new Map<number, string>();
    follow(socket, preface.length - noSettings.length, (seen) => {
      onFrame(seen);
      const { type, flags, stream, payload } = seen;
      const ends = (flags & endStream) !== 0;
      const known = bodies.get(stream);
      if (type === headers && known === undefined && ends) onHead(socket, stream);
      else if (type === headers && known === undefined) bodies.set(stream, '');
      else if (type === data) begun += known === '' ? 1 : 0;
      if (type === data) bodies.set(stream, known + payload.toString('latin1'));
      if (!ends || !bodies.has(stream)) return;
      socket.write(Buffer.concat([head(stream, [[':status', '200']]), body(stream, bodies.get(stream) ?? '', true)]));
    });
  });
  return { endpoint: app.endpoint, uploads: () => begun };
}

/** A client in HTTP/2 that writes frames. */
export async function connectFrames(port: number, onFrame: (frame: Frame) => void = () => {}): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port });
  socket.on('error', () => {});
  await once(socket, 'connect');
  follow(socket, 0, onFrame);
  socket.write(preface);
  return socket;
}

/** The head of a request for `web`, or another. */
export function request(method: string, host = 'web', ...more: Fields): Fields {
  return [[':method', method], [':scheme', 'http'], [':path', '/'], [':authority', host], ...more];
}
