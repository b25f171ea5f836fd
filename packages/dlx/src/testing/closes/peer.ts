import { connect, createServer, type Socket } from 'node:net';
import { once } from 'node:events';
import {
  ack,
  endStream,
  frame,
  preface,
  settings,
  settingsAck,
  types,
  windowUpdate,
} from '../fuzz/hostile/http2/frames.ts';

/** What a peer saw become of a stream. */
export type Seen = 'nothing' | 'END' | `RST ${number}`;

/** The other end of a connection in HTTP/2: writes frames, reads them, and gives the connection's window for whatever comes. */
export class Peer {
  readonly socket: Socket;
  /** Bytes of DATA that came, by stream. */
  readonly got = new Map<number, number>();
  readonly seen = new Map<number, Seen>();
  /** Called with each change. */
  onChange: () => void = () => {};
  #rest: Buffer = Buffer.alloc(0);
  #skip: number;

  constructor(socket: Socket, skip: number) {
    this.socket = socket;
    this.#skip = skip;
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.write(settings([]));
  }

  get gone(): boolean {
    return this.socket.destroyed;
  }

  /** Frames in one write, so that they are read as one. */
  write(...frames: Buffer[]): void {
    if (!this.socket.destroyed) this.socket.write(Buffer.concat(frames));
  }

  #read(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    if (this.#rest.length < this.#skip) return;
    this.#rest = this.#rest.subarray(this.#skip);
    this.#skip = 0;
    while (this.#rest.length >= 9) {
      const length = this.#rest.readUIntBE(0, 3);
      if (this.#rest.length < 9 + length) return;
      const [type, flags, id] = [this.#rest[3] as number, this.#rest[4] as number, this.#rest.readUInt32BE(5)];
      const payload = this.#rest.subarray(9, 9 + length);
      this.#rest = this.#rest.subarray(9 + length);
      this.#take({ type, flags, id, payload });
    }
  }

  #take({ type, flags, id, payload }: { type: number; flags: number; id: number; payload: Buffer }): void {
    if (type === types.settings && (flags & ack) === 0) this.write(settingsAck);
    if (type === types.ping && (flags & ack) === 0) this.write(frame(types.ping, ack, 0, payload));
    if (type === types.data && payload.length > 0) {
      this.got.set(id, (this.got.get(id) ?? 0) + payload.length);
      this.write(windowUpdate(0, payload.length));
    }
    if ((type === types.data || type === types.headers) && (flags & endStream) !== 0) this.seen.set(id, 'END');
    if (type === types.reset) this.seen.set(id, `RST ${payload.readUInt32BE()}`);
    this.onChange();
  }
}

/** A listener on a free port of this machine. */
export async function listenAny(onSocket: (socket: Socket) => void): Promise<{ port: number; close(): void }> {
  const server = createServer(onSocket).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as { port: number }).port, close: () => void server.close() };
}

/** A client that has said how its connection begins. */
export async function connectPeer(port: number): Promise<Peer> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  await once(socket, 'connect');
  socket.write(preface);
  return new Peer(socket, 0);
}
