// The clients of the hold scenarios: raw connections in a process of their own, one request at a time on each.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, openConnection } from '../load/connection.ts';
import { headText } from '../load/load.ts';
import { minimal } from '../load/requests.ts';
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

/** The calls that the client answers. */
export type ClientCalls = typeof calls;

const connections: Connection[] = [];
let round: Sent[] = [];
let running: Promise<void> = Promise.resolve();

async function open(port: number): Promise<void> {
  const connection = openConnection(port);
  await once(connection.socket, 'connect');
  connections.push(connection);
}

function send(connection: Connection, path: string, host: string, body: readonly Buffer[] = []): Promise<void> {
  const length = body.reduce((sum, piece) => sum + piece.length, 0);
  const head =
    length === 0
      ? headText({ method: 'GET', path, headers: { host } })
      : headText({ method: 'POST', path, headers: { host, 'content-length': String(length) } });
  const sent: Sent = { sentMs: sharedMs(), endedMs: 0, status: 0, right: false };
  round.push(sent);
  const hashOf = (): string => body.reduce((sum, piece) => sum.update(piece), createHash('sha256')).digest('hex');
  const expected = length === 0 ? path : hashOf();
  return new Promise((done) => {
    connection.ask([head, ...body], (status, answer) => {
      const right = answer.slice(answer.indexOf('\r\n\r\n') + 4) === expected;
      Object.assign(sent, { endedMs: sharedMs(), status, right });
      done();
    });
  });
}

/** Bodies share their memory, except for a first piece, which differs. */
function bodyMaker(bytes: number): (i: number) => readonly Buffer[] {
  const common = Buffer.alloc(bytes - pieceBytes, 'scale to zero, wake on demand. ');
  return (i) => [Buffer.alloc(pieceBytes, `body ${i} `), common];
}

const calls = {
  /** Opens connections. */
  async open({ count, port }: { count: number; port: number }): Promise<void> {
    for (let left = count; left > 0; left -= openingAtOnce) {
      await Promise.all(Array.from({ length: Math.min(left, openingAtOnce) }, () => open(port)));
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

  /** Sends requests one after the other on each of the first connections. */
  async keepAsking({ over, forMs }: { over: number; forMs: number }): Promise<void> {
    const endsMs = sharedMs() + forMs;
    const one = async (connection: Connection): Promise<void> => {
      while (sharedMs() < endsMs && connection.isOpen) await send(connection, '/0', 'web');
    };
    await Promise.all(connections.slice(0, over).map(one));
  },

  /** Opens connections at a fixed rate, one request each, whose clients leave after a while. */
  async impatient(options: { port: number; perSecond: number; forMs: number; patienceMs: number }): Promise<Impatient> {
    const { port, perSecond, forMs, patienceMs } = options;
    const startedMs = sharedMs();
    const count = Math.round((perSecond * forMs) / 1000);
    const ends: Promise<keyof Impatient>[] = [];
    while (ends.length < count) {
      const due = Math.min(count, Math.ceil(((sharedMs() - startedMs) * perSecond) / 1000));
      while (ends.length < due) ends.push(askImpatiently(port, patienceMs));
      await sleep(1);
    }
    const result: Impatient = { answered: 0, left: 0, failed: 0 };
    for (const end of await Promise.all(ends)) result[end] += 1;
    return result;
  },

  /** Closes all connections. */
  async close(): Promise<void> {
    const open = connections.splice(0).filter(({ socket }) => !socket.destroyed);
    await Promise.all(open.map(({ socket }) => once(socket.destroy(), 'close')));
  },
};

interface Impatient {
  answered: number;
  left: number;
  failed: number;
}

async function askImpatiently(port: number, patienceMs: number): Promise<keyof Impatient> {
  const { socket, ask } = openConnection(port);
  const { promise, resolve } = Promise.withResolvers<keyof Impatient>();
  const timer = setTimeout(() => resolve('left'), patienceMs);
  ask([headText({ ...minimal, path: '/0' })], (status, answer) =>
    resolve(status === 200 && answer.endsWith('\r\n\r\n/0') ? 'answered' : 'failed'),
  );
  const end = await promise;
  clearTimeout(timer);
  socket.destroy();
  return end;
}

serveCalls(calls);
