import { once } from 'node:events';
import { connect as connectHttp2, type Http2Session, type Http2Stream, performServerHandshake } from 'node:http2';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { SessionAnchor } from '../../http2/streams/session-anchor.ts';
import {
  block,
  endStream,
  frame,
  headers,
  preface,
  settings,
  types,
  windowUpdate,
} from '../fuzz/hostile/http2/frames.ts';

// Sessions of Node's that end while the fields of a block that is not whole are with a stream of theirs, and the stream, given
// up, has a write on its way: one after the other, each collected. `server` or `client`; with an anchor or `plain`. Ends with
// what is left of the sessions, unless Node ends it first.

const [side, how] = process.argv.slice(2);
const rounds = 8;
const wide = Buffer.concat([settings([[4, 0x7fffffff]]), windowUpdate(0, 0x7fff0000)]);
const half = [['x-half', 'v'.repeat(100)]] as const;
const large = Buffer.alloc(32 << 20);
const { gc } = globalThis as unknown as { gc(): void };

const sessions: WeakRef<Http2Session>[] = [];
const broke = (error: unknown): void => {
  throw error;
};

function watch(session: Http2Session): SessionAnchor | undefined {
  sessions.push(new WeakRef(session));
  session.on('error', () => {});
  return how === 'plain' ? undefined : new SessionAnchor(session, { broke });
}

/** Its write does not get into the socket. */
async function giveUp(stream: Http2Stream, session: Http2Session, ours: Socket, peer: Socket): Promise<void> {
  const ended = once(ours, 'close');
  stream.write(large);
  while (stream.writableLength === 0) await setImmediate();
  await setTimeout(20);
  stream.close(8);
  stream.destroy();
  await setTimeout(20);
  session.destroy();
  await setTimeout(100);
  peer.destroy();
  await ended;
}

async function serve(ours: Socket, peer: Socket): Promise<void> {
  const session = performServerHandshake(ours, { maxSessionMemory: 1000 });
  const anchor = watch(session);
  const fields = [
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', 'a'],
  ] as const;
  const trailers = frame(types.headers, endStream, 1, block(half));
  peer.write(Buffer.concat([preface, wide, headers(1, fields), trailers]));
  const [stream] = (await once(session, 'stream')) as [Http2Stream & { respond(): void }];
  stream.on('error', () => {});
  anchor?.hold(stream);
  stream.respond();
  await giveUp(stream, session, ours, peer);
}

async function ask(ours: Socket, peer: Socket): Promise<void> {
  const session = connectHttp2('http://a', { createConnection: () => ours });
  const anchor = watch(session);
  peer.write(wide);
  await once(session, 'remoteSettings');
  const stream = session.request({ ':method': 'POST' }, { endStream: false });
  stream.on('error', () => {});
  anchor?.hold(stream);
  await setTimeout(20);
  peer.write(frame(types.headers, 0, 1, block([[':status', '200'], ...half])));
  await setTimeout(20);
  await giveUp(stream, session, ours, peer);
}

async function round(): Promise<void> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const peer = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [ours] = (await once(server, 'connection')) as [Socket];
  server.close();
  peer.on('error', () => {});
  ours.on('error', () => {});
  await (side === 'server' ? serve : ask)(ours, peer);
}

for (let i = 0; i < rounds; i++) {
  await round();
  await setTimeout(20);
  gc();
}
for (let i = 0; i < 5; i++) {
  await setImmediate();
  gc();
}
process.stdout.write(`${sessions.filter((one) => one.deref() !== undefined).length} left of ${rounds}\n`);
process.exit(0);
