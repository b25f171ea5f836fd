import type { ChildProcess } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import { askCosts, type Costs, startCosting } from '../testing/costs/costing.ts';
import { body, connectFrames, follow, frame, head, noSettings, preface, request } from '../testing/frames.ts';
import { freePort } from '../testing/free-port.ts';
import { testSettings } from '../testing/harness.ts';
import { startTcp } from '../testing/upstream.ts';

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

const hours = 3_600_000;
const settings = {
  ...testSettings,
  holdTimeoutMs: hours,
  responseTimeoutMs: hours,
  idleTimeoutMs: hours,
  holdLimit: 10_000,
  holdBytesTotal: 2 ** 40,
};
const warmUp = 2;
const measured = 6;
/** Of those that take little beside what the process needs for itself meanwhile. */
const measuredSmall = 24;
const chunks = '1\r\na\r\n'.repeat(20_000);
/** More than the kernel keeps between two sockets. */
const first = `600000\r\n${'a'.repeat(0x60_0000)}\r\n`;
const post = (host: string): string => `POST / HTTP/1.1\r\nhost: ${host}\r\ntransfer-encoding: chunked\r\n\r\n`;
const get = (host: string): string => `GET / HTTP/1.1\r\nhost: ${host}\r\n\r\n`;
const offer = 'connection: upgrade\r\nupgrade: x\r\n\r\n';
const stream = 1;
const framesOf = (of: number): Buffer => Buffer.concat(Array.from({ length: 65_535 }, () => body(of, 'a')));
const frames = framesOf(stream);

interface Ports {
  readonly http: number;
  readonly tcp: number;
}

/** Sends all that is given, on connections that take nothing. */
async function send(port: number, text: string | Buffer, count: number): Promise<void> {
  for (let i = 0; i < count; i++) client(port).write(text);
}

function client(port: number): Socket {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  socket.on('error', () => {}).pause();
  ends.push(() => socket.destroy());
  return socket;
}

/** Byte by byte, each in a turn of its own. */
async function trickle(sockets: Iterable<Socket>, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    for (const socket of sockets) socket.write('a');
    await setImmediate();
  }
}

async function trickleHeld(port: number, head: string, count: number): Promise<void> {
  const sockets = Array.from({ length: count }, () => client(port));
  for (const socket of sockets) socket.write(head);
  await trickle(sockets, 4000);
}

test.each<[string, number, (ports: Ports, count: number) => Promise<void>]>([
  ['a body in chunks of a byte', measured, ({ http }, count) => send(http, post('web') + chunks, count)],
  [
    'a body in frames of a byte',
    measured,
    async ({ http }, count) => {
      for (let i = 0; i < count; i++) {
        const socket = await connectFrames(http);
        ends.push(() => socket.destroy());
        socket.write(Buffer.concat([head(stream, request('POST')), frames]));
      }
    },
  ],
  ['a raw connection that says a byte at a time', measuredSmall, ({ tcp }, count) => trickleHeld(tcp, 'a', count)],
  [
    'an offer to upgrade with a byte at a time behind it',
    measuredSmall,
    ({ http }, count) => trickleHeld(http, get('web').replace('\r\n\r\n', `\r\n${offer}`), count),
  ],
])(
  'held, %s: what is counted is what it takes',
  async (_name, count, drive) => {
    const tcp = await freePort();
    const { child, port, end } = await startCosting(settings, tcp);
    ends.push(end);
    await listening(tcp);
    await expectCounted(child, count, (some) => drive({ http: port, tcp }, some));
  },
  120_000,
);

const answerHead = `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${first}`;
const window = frame(8, 0, 0, Buffer.from([0x7f, 0xff, 0, 0]));
/** Settings of one that lets nothing be sent. */
const shut = frame(4, 0, 0, Buffer.from([0, 4, 0, 0, 0, 0]));

type Serve = (socket: Socket) => void;

test.each<[string, Serve, (port: number, count: number) => Promise<void>]>([
  [
    'an answer in chunks of a byte',
    (app) => pour(app, answerHead, chunks),
    (port, count) => send(port, get('app'), count),
  ],
  [
    'an answer in chunks of a byte to an offer to upgrade',
    (app) => pour(app, answerHead, chunks),
    (port, count) => send(port, get('app').replace('\r\n\r\n', `\r\n${offer}`), count),
  ],
  [
    'a body in chunks of a byte',
    (app) => void app.pause(),
    async (port, count) => {
      for (let i = 0; i < count; i++) pour(client(port), post('app') + first, chunks);
    },
  ],
  [
    'a body in frames of a byte',
    (app) => void app.write(shut),
    async (port, count) => {
      for (let i = 0; i < count; i++) {
        const socket = await connectFrames(port);
        ends.push(() => socket.destroy());
        socket.write(Buffer.concat([head(stream, request('POST', 'app')), frames]));
      }
    },
  ],
  [
    'an answer in frames of a byte',
    (app) => {
      app.write(Buffer.concat([noSettings, window]));
      follow(app, preface.length - noSettings.length, ({ type, stream: asked }) => {
        if (type === 1) app.write(Buffer.concat([head(asked, [[':status', '200']]), framesOf(asked)]));
      });
    },
    async (port, count) => {
      for (let i = 0; i < count; i++) {
        const socket = client(port);
        const start = preface.subarray(0, preface.length - noSettings.length);
        socket.write(Buffer.concat([start, shut, head(stream, request('GET', 'app'), true)]));
      }
    },
  ],
])(
  'in flight, %s: what is counted is what it takes',
  async (_name, serve, drive) => {
    const app = await startTcp(serve);
    const { child, port, end } = await startCosting(settings, 1, app.endpoint.port);
    ends.push(end);
    await expectCounted(child, measured, (count) => drive(port, count));
  },
  120_000,
);

/** As much as is taken. */
function pour(to: Socket, first: string, rest: string): void {
  to.write(first);
  const go = (): void => {
    while (to.write(rest));
  };
  to.on('drain', go);
  go();
}

/** The first few have code compiled, which the others find. */
async function expectCounted(
  child: ChildProcess,
  count: number,
  drive: (count: number) => Promise<void>,
): Promise<void> {
  await drive(warmUp);
  const before = await steady(child, warmUp);
  await drive(count);
  const now = await steady(child, warmUp + count);
  const [used, counted] = [now.used - before.used, now.ledger - before.ledger].map((all) => all / count);
  expect(counted).toBeGreaterThan(0.8 * (used as number));
}

async function listening(port: number): Promise<void> {
  for (;;) {
    const socket = client(port);
    const connected = await new Promise((resolve) =>
      socket.once('connect', () => resolve(true)).once('error', resolve),
    );
    socket.destroy();
    if (connected === true) return;
    await sleep(50);
  }
}

/** Nothing more comes to it. */
async function steady(child: ChildProcess, count: number): Promise<Costs> {
  let was = await askCosts(child);
  for (;;) {
    await sleep(700);
    const now = await askCosts(child);
    const moved = Math.abs(now.used - was.used) + Math.abs(now.ledger - was.ledger);
    if (moved < 4096 * count && now.held + now.inFlight === count) return now;
    was = now;
  }
}
