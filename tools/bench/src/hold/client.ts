// The clients of the hold scenarios: raw connections in a process of their own, one request at a time on each.
import { createHash } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { serveCalls } from '../processes/calls.ts';
import { sharedMs } from '../processes/usage.ts';

/** The most connections that may be opening at once: fewer than any backlog. */
const openingAtOnce = 256;
const pieceBytes = 1024;

/** One request and its answer. Times are on the clock that all processes share. */
export interface Sent {
  readonly sentMs: number;
  /** When its answer was complete, or its connection closed. */
  endedMs: number;
  /** 0: the connection closed without an answer. */
  status: number;
  /** Whether the body of the answer was right. */
  right: boolean;
}

/** The results of many requests, in order of sending. */
export interface Round {
  readonly sent: readonly Sent[];
  /** Requests without a 200 and the right body. */
  readonly failed: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

export interface SendOptions {
  /** Index of the first connection. Default 0. */
  readonly from?: number;
  /** Number of the first request. Default 0. */
  readonly number?: number;
  /** The number of connections, with one request on each. */
  readonly count: number;
  /** Default `web`; `#` stands for the request's number. */
  readonly host?: string;
  /** Bytes of a body that differs from request to request. Default: none, a GET. */
  readonly bodyBytes?: number;
  /** The most requests that wait for an answer at once. Default: all. */
  readonly window?: number;
}

interface Connection {
  readonly socket: Socket;
  text: string;
  current: { sent: Sent; expected: string; done: () => void } | undefined;
}

/** The calls that the client answers. */
export type ClientCalls = typeof calls;

const connections: Connection[] = [];
let round: Sent[] = [];
let running: Promise<void> = Promise.resolve();

function open(port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host, noDelay: true });
    const connection: Connection = { socket, text: '', current: undefined };
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      socket.on('error', () => {});
      connections.push(connection);
      resolve();
    });
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => read(connection, chunk));
    socket.on('close', () => finish(connection, 0, undefined));
  });
}

function read(connection: Connection, chunk: string): void {
  const text = (connection.text += chunk);
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd === -1) return;
  const length = Number(/\r\ncontent-length: (\d+)\r\n/i.exec(text.slice(0, headEnd + 2))?.[1] ?? Number.NaN);
  const status = Number(text.slice(9, 12));
  // Each answer of the bench's apps has a length; any other is from elsewhere.
  if (Number.isNaN(length)) finish(connection, status, undefined);
  else if (text.length >= headEnd + 4 + length) {
    connection.text = '';
    finish(connection, status, text.slice(headEnd + 4));
  }
}

function finish(connection: Connection, status: number, body: string | undefined): void {
  const { current } = connection;
  if (current === undefined) return;
  connection.current = undefined;
  current.sent.endedMs = sharedMs();
  current.sent.status = status;
  current.sent.right = body === current.expected;
  current.done();
}

function send(connection: Connection, path: string, host: string, body: readonly Buffer[] | undefined): Promise<void> {
  const length = body?.reduce((sum, piece) => sum + piece.length, 0);
  const head =
    length === undefined
      ? `GET ${path} HTTP/1.1\r\nhost: ${host}\r\n\r\n`
      : `POST ${path} HTTP/1.1\r\nhost: ${host}\r\ncontent-length: ${length}\r\n\r\n`;
  const sent: Sent = { sentMs: sharedMs(), endedMs: 0, status: 0, right: false };
  round.push(sent);
  const hash = body?.reduce((sum, piece) => sum.update(piece), createHash('sha256'));
  return new Promise((done) => {
    connection.current = { sent, expected: hash?.digest('hex') ?? path, done };
    const { socket } = connection;
    if (socket.destroyed) {
      finish(connection, 0, undefined);
      return;
    }
    socket.cork();
    socket.write(head, 'latin1');
    for (const piece of body ?? []) socket.write(piece);
    socket.uncork();
  });
}

/** Bodies share their memory, except for a first piece, which differs. */
function bodyMaker(bytes: number): (i: number) => readonly Buffer[] {
  const common = Buffer.alloc(bytes - pieceBytes, 'scale to zero, wake on demand. ');
  return (i) => [Buffer.alloc(pieceBytes, `body ${i} `), common];
}

const calls = {
  /** Opens connections. */
  async open({ count, port, host = '127.0.0.1' }: { count: number; port: number; host?: string }): Promise<void> {
    for (let left = count; left > 0; left -= openingAtOnce) {
      await Promise.all(Array.from({ length: Math.min(left, openingAtOnce) }, () => open(port, host)));
    }
  },

  /** Sends in order, with the request's number as its path. Resolves once all are sent. */
  async send({ from = 0, number = 0, count, host = 'web', bodyBytes, window = count }: SendOptions): Promise<void> {
    round = [];
    const waiting: Promise<void>[] = [];
    const bodyOf = bodyBytes === undefined ? undefined : bodyMaker(bodyBytes);
    let next = 0;
    const one = (): Promise<void> | undefined => {
      const i = next++;
      const connection = connections[from + i];
      if (i >= count || connection === undefined) return undefined;
      return send(connection, `/${number + i}`, host.replace('#', String(number + i)), bodyOf?.(i));
    };
    const more = async (): Promise<void> => {
      for (let turn = one(); turn !== undefined; turn = one()) await turn;
    };
    if (window < count) waiting.push(...Array.from({ length: window }, more));
    else {
      for (let turn = one(); turn !== undefined; turn = one()) {
        waiting.push(turn);
        // Gives the sockets a turn: a body leaves in more than one piece.
        if (next % 64 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    }
    running = Promise.all(waiting).then(() => {});
  },

  /** Waits until each request that was sent last has its answer, or its connection is closed. */
  async answers(): Promise<Round> {
    await running;
    const ended = round.map(({ endedMs }) => endedMs);
    return {
      sent: round,
      failed: round.filter(({ status, right }) => status !== 200 || !right).length,
      firstMs: ended.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
      lastMs: ended.reduce((a, b) => Math.max(a, b), 0),
    };
  },

  /**
   * Sends requests one after the other on each of the first connections; resolves with answers per second and failures.
   */
  async rate({ over, forMs }: { over: number; forMs: number }): Promise<{ perSecond: number; failed: number }> {
    round = [];
    const startedMs = sharedMs();
    const one = async (connection: Connection): Promise<void> => {
      while (sharedMs() < startedMs + forMs && !connection.socket.destroyed)
        await send(connection, '/0', 'web', undefined);
    };
    await Promise.all(connections.slice(0, over).map(one));
    const failed = round.filter(({ status, right }) => status !== 200 || !right).length;
    return { perSecond: ((round.length - failed) / (sharedMs() - startedMs)) * 1000, failed };
  },

  /** Opens connections at a fixed rate, one request each, whose clients leave after a while. */
  async impatient(options: { port: number; perSecond: number; forMs: number; patienceMs: number }): Promise<Impatient> {
    const { port, perSecond, forMs, patienceMs } = options;
    const startedMs = sharedMs();
    const count = Math.round((perSecond * forMs) / 1000);
    const ends: Promise<'answered' | 'left' | 'failed'>[] = [];
    while (ends.length < count) {
      const due = Math.min(count, Math.ceil(((sharedMs() - startedMs) * perSecond) / 1000));
      while (ends.length < due) ends.push(askImpatiently(port, patienceMs));
      await sleep(1);
    }
    const result: Impatient = { answered: 0, left: 0, failed: 0 };
    for (const end of await Promise.all(ends)) result[end] += 1;
    return result;
  },

  /** Closes all connections, or those from `from` on. */
  async close(): Promise<void> {
    const open = connections.splice(0).filter(({ socket }) => !socket.destroyed);
    const closed = open.map(({ socket }) => new Promise((resolve) => socket.once('close', resolve)));
    for (const { socket } of open) socket.destroy();
    await Promise.all(closed);
  },
};

interface Impatient {
  answered: number;
  left: number;
  failed: number;
}

function askImpatiently(port: number, patienceMs: number): Promise<'answered' | 'left' | 'failed'> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const end = (how: 'answered' | 'left' | 'failed'): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(how);
    };
    const timer = setTimeout(() => end('left'), patienceMs);
    let text = '';
    socket.setEncoding('latin1');
    socket.once('connect', () => socket.write('GET /0 HTTP/1.1\r\nhost: web\r\n\r\n'));
    socket.on('data', (chunk: string) => {
      text += chunk;
      if (text.endsWith('\r\n\r\n/0')) end(text.startsWith('HTTP/1.1 200 ') ? 'answered' : 'failed');
    });
    socket.on('error', () => end('failed'));
    socket.on('close', () => end('failed'));
  });
}

serveCalls(calls);
