import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Conversation, entries, type Waking, wakings } from './conversation.ts';
import { type FrameHead } from './http2/frame-reader.ts';
import { types } from './http2/frames.ts';
import { namespace, portsPerSlot } from './process/hostile-scaler.ts';
import { Side } from './side.ts';

/** Where clients knock. */
export interface Doors {
  readonly sharedPort: number;
  readonly firstPort: number;
}

/** A client has so long, once it has done all, to be answered and left. */
const quietMs = 250;
/** One that keeps to the protocol is to hear something within so long: more than all limits of its resource together. */
const vainMs = 40_000;
/** A DLX that hears of an endpoint's end has so long to end its side. */
const partMs = 100;

/** A place for one conversation at a time, with an endpoint and resources of its own. */
export class Slot {
  readonly index: number;
  #server: Server | undefined;
  /** Of the resources whose endpoints keep to the protocol: no connection of it is left as others leave theirs. */
  #calmServer: Server | undefined;
  #conversation: Conversation | undefined;
  readonly #sockets = new Set<Socket>();

  constructor(index: number) {
    this.index = index;
  }

  get port(): number {
    return portOf(this.#server);
  }

  get calmPort(): number {
    return portOf(this.#calmServer);
  }

  get conversation(): Conversation | undefined {
    return this.#conversation;
  }

  async listen(): Promise<void> {
    this.#server = await this.#serve();
    this.#calmServer = await this.#serve();
  }

  /** The name by which a client asks for a resource of this slot. */
  host(waking: Waking): string {
    return `${waking}-${this.index}.${namespace}`;
  }

  /** Plays it. Resolves with what was wrong for the client, if anything. */
  async play(
    conversation: Conversation,
    doors: Doors,
    localAddress: string,
    patienceMs = vainMs,
  ): Promise<string | undefined> {
    this.#conversation = conversation;
    const { client, legal } = conversation;
    const socket = connect({
      host: '127.0.0.1',
      port: this.#door(conversation, doors),
      localAddress,
      noDelay: true,
      allowHalfOpen: true,
    });
    const manners = { server: false, acknowledges: client.legal, grants: client.legal };
    const side = new Side(socket, conversation.protocol === 'http2' ? manners : undefined);
    socket.on('data', (chunk: Buffer) => side.take(chunk));
    const connected = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('close', () => resolve(false));
    });
    if (connected) await side.do(client.steps);
    const wrong = legal
      ? await answered(side, patienceMs)
      : client.legal && connected
        ? await heardOf(side, patienceMs)
        : undefined;
    if (!side.closed && !socket.destroyed) {
      socket.resume();
      await side.until(() => side.ended, quietMs);
      socket.end();
      await side.until(() => side.ended, 50);
      socket.destroy();
    }
    this.#conversation = undefined;
    if (!conversation.leavesOpen) await this.#part();
    return connected ? wrong : undefined;
  }

  close(): void {
    this.#server?.close();
    this.#calmServer?.close();
    this.#drop();
  }

  async #serve(): Promise<Server> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket));
    server.listen(0, '127.0.0.1', 4096);
    await once(server, 'listening');
    return server;
  }

  /** The next conversation finds no connection that its DLX takes for alive and that is not. */
  async #part(): Promise<void> {
    const parted = [...this.#sockets].map((socket) => {
      socket.resume().end();
      return new Promise((resolve) => void socket.once('close', resolve));
    });
    await Promise.race([Promise.all(parted), sleep(partMs)]);
    this.#drop();
  }

  #drop(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #door({ entry, waking }: Conversation, { sharedPort, firstPort }: Doors): number {
    if (entry === 'shared') return sharedPort;
    return firstPort + this.index * portsPerSlot + wakings.indexOf(waking) * entries.length + entries.indexOf(entry);
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket));
    const protocol = this.#conversation?.protocol;
    if (protocol === 'tcp') this.#serveTcp(socket);
    else if (protocol === 'http2') this.#serveHttp2(socket);
    else this.#serveHttp1(socket);
  }

  #serveTcp(socket: Socket): void {
    const side = new Side(socket);
    socket.on('data', (chunk: Buffer) => side.take(chunk));
    void side.do(this.#conversation?.endpoint.steps ?? []);
  }

  #serveHttp1(socket: Socket): void {
    const side = new Side(socket);
    let begun = '';
    let busy = false;
    socket.on('end', () => socket.end());
    socket.on('data', (chunk: Buffer) => {
      // The steps count from the head on.
      if (!busy) begun = (begun + chunk.toString('latin1')).slice(-100_000);
      side.take(chunk);
      if (busy || !begun.includes('\r\n\r\n')) return;
      begun = '';
      busy = true;
      const { conversation } = this;
      void this.#answer(side, conversation, socket).then(() => (busy = false));
    });
  }

  async #answer(side: Side, conversation: Conversation | undefined, socket: Socket): Promise<void> {
    if (conversation === undefined || conversation.protocol === 'http2') return void socket.destroy();
    // Read whole before it is answered, where it keeps to the protocol: until what was sent has come.
    if (conversation.endpoint.legal && conversation.client.legal && conversation.protocol === 'http1')
      await settled(side);
    await side.do(conversation.endpoint.steps);
  }

  #serveHttp2(socket: Socket): void {
    const script = this.#conversation?.endpoint;
    const manners = script !== undefined && 'grants' in script ? { server: true, ...script } : undefined;
    if (manners === undefined) return void socket.destroy();
    let newest = 0;
    const side = new Side(socket, manners, ({ type, stream, flags }: FrameHead) => {
      const keeps = manners.legal && this.#conversation?.client.legal === true;
      const begins = type === types.headers && stream > newest;
      if (begins) newest = stream;
      // One that keeps to the protocol answers what has come whole.
      const whole = (type === types.headers || type === types.data) && (flags & 1) !== 0;
      if (keeps ? whole : begins) void side.do(this.#conversation?.endpoint.steps ?? [], stream);
    });
    socket.on('end', () => socket.end());
    socket.on('data', (chunk: Buffer) => side.take(chunk));
    void side.do(manners.opening);
  }
}

function portOf(server: Server | undefined): number {
  return (server?.address() as AddressInfo).port;
}

/** Resolves once nothing has come for a moment. */
async function settled(side: Side): Promise<void> {
  for (let before = -1; before !== side.heard;) {
    before = side.heard;
    await side.until(() => side.ended, 15);
  }
}

/** An answer of the app, or that of the DLX that it has no room. */
async function answered(side: Side, limitMs: number): Promise<string | undefined> {
  const said = (): boolean => side.text.includes('answer') || side.text.includes('overflow');
  await side.until(() => said() || side.ended, limitMs);
  if (said()) return undefined;
  return `no answer to what was asked as it should be, but ${JSON.stringify(side.text.slice(0, 600))}${side.closed || side.ended ? ', closed' : ''}`;
}

/** Whatever the endpoint does: that it hears something, or is left. */
async function heardOf(side: Side, limitMs: number): Promise<string | undefined> {
  if (!side.socket.isPaused() && (await side.until(() => side.heard > 0 || side.ended, limitMs))) return undefined;
  return side.closed || side.ended ? undefined : 'a client that asked as it should heard nothing';
}
