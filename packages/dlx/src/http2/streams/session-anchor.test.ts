import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Http2Stream, ServerHttp2Stream } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from '@jest/globals';
import { type ChildEnd, runBounded } from '../../testing/children/bounded-child.ts';
import {
  block,
  endStream,
  frame,
  headers,
  preface,
  settings,
  types,
  windowUpdate,
} from '../../testing/fuzz/hostile/http2/frames.ts';
import { testSettings } from '../../testing/harness.ts';
import { connectHttp2, open2, startHttp2App } from '../../testing/http2.ts';
import { startTcp } from '../../testing/upstream.ts';

const held = fileURLToPath(new URL('../../testing/children/held-child.ts', import.meta.url));
const program = fileURLToPath(new URL('../../testing/children/collected-child.ts', import.meta.url));
const flags = ['--conditions=@scaler/source', '--disable-warning=ExperimentalWarning', '--expose-gc'];

const wide = Buffer.concat([settings([[4, 0x7fffffff]]), windowUpdate(0, 0x7fff0000)]);
const half = [['x-half', 'v'.repeat(100)]] as const;
const large = Buffer.alloc(32 << 20);
/** Node counts what a stream that was reset had to send for as long as its session lasts. In MB. */
const unbounded = { maxSessionMemory: 10_000 };
const rounds = 4;

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

function run(...args: string[]): Promise<ChildEnd> {
  return runBounded([...flags, program, ...args], { mostMb: 1000, forMs: 30_000 }).ended;
}

describe.each(['server', 'client'])('a session of a %s that ends with half a block of fields on a stream', (side) => {
  test('ends the process when Node collects it: where it no longer does, the anchors can go', async () => {
    const { killed, err } = await run(side, 'plain');
    expect(killed).toBeUndefined();
    expect(err).toContain('(current_nghttp2_memory_) == (0)');
  }, 60_000);

  test('with an anchor is collected after its streams', async () => {
    const { code, killed, out, err } = await run(side, 'anchored');
    expect({ code, killed, out, err }).toEqual({ code: 0, killed: undefined, out: '0 left of 8\n', err: '' });
  }, 60_000);
});

describe('the DLX goes on after', () => {
  test('clients with half a block of trailers that take nothing of their answers', async () => {
    const answers: ServerHttp2Stream[] = [];
    const app = await startHttp2App((stream) => {
      answers.push(stream);
      stream.respond({ ':status': 200 });
      stream.write(large);
    }, unbounded);
    const dlx = await start(app.endpoint.port);
    const fields = [
      [':method', 'POST'],
      [':scheme', 'http'],
      [':path', '/'],
      [':authority', 'app'],
    ] as const;
    const trailers = frame(types.headers, endStream, 1, block(half));
    for (let i = 1; i <= rounds; i++) {
      const client = await dial(dlx.port);
      client.pause();
      client.write(Buffer.concat([preface, wide, headers(1, fields), trailers]));
      await look(() => answers.length === i);
      await stuck(answers.at(-1) as Http2Stream);
      answers.at(-1)?.close(2);
      await none(dlx);
      await gone(client);
      await ask(dlx);
    }
    expect((await ask(dlx)).inFlight).toBe(0);
  }, 60_000);

  test('endpoints with half a head that take nothing of an upload', async () => {
    const connections: Socket[] = [];
    const app = await startTcp((socket) => {
      connections.push(socket);
      socket.write(wide);
      let bytes = 0;
      socket.on('data', ({ length }: Buffer) => {
        bytes += length;
        // What comes before requests is less.
        if (bytes < 1000) return;
        socket.pause();
        socket.write(frame(types.headers, 0, 1, block([[':status', '200'], ...half])));
      });
    });
    const dlx = await start(app.endpoint.port);
    for (let i = 1; i <= rounds; i++) {
      const session = connectHttp2(dlx.port);
      const stream = session.request({ ':method': 'POST', ':path': '/', ':authority': 'app' }, { endStream: false });
      stream.on('error', () => {});
      stream.write(large);
      await stuck(stream);
      stream.close(8);
      await none(dlx);
      await gone(connections.at(-1) as Socket);
      await ask(dlx);
      session.destroy();
    }
    expect((await ask(dlx)).inFlight).toBe(0);
  }, 60_000);
});

test('the DLX keeps nothing of connections that ended, of clients or to endpoints', async () => {
  const app = await startHttp2App();
  const dlx = await start(app.endpoint.port);
  const used: number[] = [];
  for (let batch = 0; batch < 4; batch++) {
    for (let i = 0; i < 100; i++) {
      const session = connectHttp2(dlx.port);
      const { answer } = open2(session, { ':path': '/', ':authority': 'app' });
      expect((await answer).status).toBe(200);
      session.destroy();
      for (const one of app.sessions) one.destroy();
    }
    await setTimeout(100);
    await ask(dlx);
    used.push((await ask(dlx)).used);
  }
  // One of either side takes 20 KB and more.
  expect((used[3] as number) - (used[1] as number)).toBeLessThan(200 * 2_000);
}, 60_000);

interface Told {
  /** Bytes in use. */
  readonly used: number;
  readonly inFlight: number;
}

interface Dlx {
  readonly child: ChildProcess;
  readonly port: number;
  readonly ended: Promise<never>;
}

async function start(appPort: number): Promise<Dlx> {
  const args = [...flags, held, JSON.stringify([testSettings, 1, appPort])];
  const { child, ended: end } = runBounded(args, { mostMb: 1000, forMs: 60_000 });
  ends.push(() => child.kill('SIGKILL'));
  const ended = end.then(({ err }) => Promise.reject(new Error(`the DLX ended: ${err}`)));
  ended.catch(() => {});
  const [port] = (await Promise.race([once(child, 'message'), ended])) as [number];
  return { child, port, ended };
}

async function dial(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  ends.push(() => socket.destroy());
  return socket;
}

async function look(condition: () => boolean): Promise<void> {
  for (const endMs = Date.now() + 10_000; !condition(); await setImmediate())
    if (Date.now() > endMs) throw new Error(`not within 10 s: ${condition}`);
}

/** Resolves once nothing of what it is given leaves any more: nothing tells of that. */
async function stuck({ session }: Http2Stream): Promise<void> {
  for (let sent = -1; sent !== session?.socket.bytesWritten; await setTimeout(100))
    sent = session?.socket.bytesWritten ?? 0;
}

/** Leaves, and gives the DLX the time to see it: nothing but its next collection tells. */
async function gone(socket: Socket): Promise<void> {
  socket.destroy();
  await setTimeout(100);
}

/** Resolves once no request is in flight. */
async function none(dlx: Dlx): Promise<void> {
  while ((await ask(dlx, false)).inFlight > 0);
}

/** Of a DLX, after a collection or not; fails if it ended. */
async function ask({ child, ended }: Dlx, collects = true): Promise<Told> {
  const heard = new AbortController();
  const message = once(child, 'message', { signal: heard.signal }) as Promise<[Told]>;
  message.catch(() => {});
  child.send(collects, () => {});
  try {
    return (await Promise.race([message, ended]))[0];
  } finally {
    heard.abort();
  }
}
