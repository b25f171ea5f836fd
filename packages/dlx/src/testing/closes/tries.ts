import { once } from 'node:events';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type Http2Session,
  type Http2Stream,
  performServerHandshake,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Socket } from 'node:net';
import { clientOptions, serverOptions } from '../../http2/streams/options.ts';
import { type Call, type Moment, type Side, type State } from './calls.ts';
import {
  block,
  data,
  endHeaders,
  endStream,
  type Field,
  frame,
  resetStream,
  types,
  windowUpdate,
} from '../fuzz/hostile/http2/frames.ts';
import { connectPeer, listenAny, Peer } from './peer.ts';

/** What a stream is given to send: more than a window, of which a part waits in Node's C++ and the rest in its stream. */
const sizes = [81_920, 65_536];
const window = 65_535;
const plenty = 300_000;
const prefaceBytes = 24;
const some = Buffer.alloc(1000);
/** Something is to be seen within. */
const limitMs = 15;
/** One try takes some milliseconds. */
const stuckMs = 5000;

/** One stream at its peer. */
interface Try {
  readonly stream: Http2Stream;
  readonly session: Http2Session;
  readonly peer: Peer;
  readonly id: number;
}

/** Tries calls at streams of one side, one after the other, over as few connections as may be. */
export class Tries {
  readonly #side: Side;
  readonly #state: State;
  #session: Http2Session | undefined;
  #peer: Peer | undefined;
  #nextId = 1;
  #listener: Awaited<ReturnType<typeof listenAny>> | undefined;
  #accepted: ((socket: Socket) => void) | undefined;

  constructor(side: Side, state: State) {
    this.#side = side;
    this.#state = state;
  }

  /** What the peer saw of it, and whether Node emitted 'close'; or that its connection does not get so far any more. */
  async run(call: Call, moment: Moment): Promise<string> {
    const stuck = Symbol('stuck');
    const late = AbortSignal.timeout(stuckMs);
    const told = await Promise.race([this.#run(call, moment), once(late, 'abort').then(() => stuck)]);
    if (typeof told === 'string') return told;
    this.end();
    return 'connection stuck';
  }

  async #run({ run, endsSession }: Call, moment: Moment): Promise<string> {
    const one = this.#side === 'upstream' ? await this.#request() : await this.#answer();
    const { stream, session, peer, id } = one;
    let closed = false;
    stream.on('close', () => (closed = true));
    await this.#trigger(one, moment, () => run(stream, session));
    await until(() => (closed && peer.seen.has(id)) || peer.gone, peer);
    // Whatever Node has forgotten of it is asked for now.
    peer.write(windowUpdate(0, plenty), windowUpdate(id, plenty));
    await until(() => closed && peer.seen.has(id), peer);
    const saw = peer.seen.get(id) ?? (peer.gone ? 'connection ends' : 'nothing');
    const told = closed ? saw : `${saw}, open`;
    if (!closed) peer.write(resetStream(id, 8));
    await until(() => closed || peer.gone, peer);
    if (endsSession === true || session.destroyed || session.closed || peer.gone) this.end();
    return told;
  }

  end(): void {
    this.#session?.destroy();
    this.#peer?.socket.destroy();
    this.#session = undefined;
    this.#peer = undefined;
    this.#nextId = 1;
  }

  close(): void {
    this.end();
    this.#listener?.close();
  }

  async #request(): Promise<Try> {
    if (this.#session === undefined) await this.#connect();
    const session = this.#session as ClientHttp2Session;
    const peer = this.#peer as Peer;
    const stream: ClientHttp2Stream = session.request(
      { ':method': 'POST' },
      { endStream: false, waitForTrailers: true },
    );
    this.#fill(stream);
    const id = stream.id as number;
    await until(() => (peer.got.get(id) ?? 0) >= this.#sends(), peer, stuckMs);
    return { stream, session, peer, id };
  }

  async #answer(): Promise<Try> {
    const session = await this.#accept();
    const peer = this.#peer as Peer;
    const id = this.#nextId;
    this.#nextId += 2;
    const given = once(session, 'stream') as Promise<[ServerHttp2Stream]>;
    const fields = Object.entries({ ':method': 'POST', ':scheme': 'http', ':path': '/', ':authority': 'web' });
    peer.write(headers(id, fields, false), data(id, some));
    const [stream] = await given;
    if (this.#state !== 'before the head') stream.respond({ ':status': 200 }, { waitForTrailers: true });
    this.#fill(stream);
    if (this.#state !== 'before the head') await until(() => (peer.got.get(id) ?? 0) >= this.#sends(), peer, stuckMs);
    return { stream, session, peer, id };
  }

  #sends(): number {
    return this.#state === 'trailers awaited' ? 1000 : window;
  }

  #fill(stream: Http2Stream): void {
    stream.on('error', () => {});
    if (this.#state === 'trailers awaited') {
      stream.on('wantTrailers', () => {});
      stream.end(Buffer.alloc(1000));
      return;
    }
    stream.on('wantTrailers', () => stream.sendTrailers({}));
    if (this.#side === 'client' && this.#state === 'before the head') return;
    for (const size of sizes) stream.write(Buffer.alloc(size));
  }

  /** Calls within an event of the session or after it; the window that opens in the same write is what makes Node turn. */
  async #trigger({ stream, peer, id }: Try, moment: Moment, call: () => void): Promise<void> {
    const opens = this.#state === 'window shut' ? [] : [windowUpdate(0, plenty), windowUpdate(id, plenty)];
    const event = this.#side === 'client' ? 'data' : this.#state === 'before the head' ? 'headers' : 'end';
    const happened = new Promise<void>((resolve) => {
      stream.once(event, () => {
        if (moment === 'inside') call();
        resolve();
      });
    });
    if (event !== 'data') stream.resume();
    if (event === 'data') peer.write(data(id, some), ...opens);
    else peer.write(headers(id, [[':status', event === 'headers' ? '103' : '413']], event === 'end'), ...opens);
    await happened;
    await turn();
    if (moment === 'later') call();
  }

  async #connect(): Promise<void> {
    const accepted = new Promise<Peer>((resolve) => {
      this.#accepted = (socket) => resolve(new Peer(socket, prefaceBytes));
    });
    this.#listener ??= await listenAny((socket) => this.#accepted?.(socket.setNoDelay()));
    const session = connect(`http://127.0.0.1:${this.#listener.port}`, clientOptions);
    session.on('error', () => {});
    await once(session, 'remoteSettings');
    this.#session = session;
    this.#peer = await accepted;
  }

  async #accept(): Promise<Http2Session> {
    if (this.#session !== undefined) return this.#session;
    const accepted = new Promise<Http2Session>((resolve) => {
      this.#accepted = (socket) => {
        const session = performServerHandshake(socket.setNoDelay(), { ...serverOptions, streamResetBurst: 1e6 });
        session.on('error', () => {});
        resolve(session);
      };
    });
    this.#listener ??= await listenAny((socket) => this.#accepted?.(socket));
    this.#peer = await connectPeer(this.#listener.port);
    this.#session = await accepted;
    return this.#session;
  }
}

async function until(condition: () => boolean, peer: Peer, forMs = limitMs): Promise<void> {
  const endsAtMs = performance.now() + forMs;
  while (!condition() && performance.now() < endsAtMs) {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, 2);
      peer.onChange = () => {
        clearTimeout(timer);
        setImmediate(resolve);
      };
    });
  }
  peer.onChange = () => {};
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function headers(id: number, fields: readonly Field[], last: boolean): Buffer {
  return frame(types.headers, endHeaders | (last ? endStream : 0), id, block(fields));
}
