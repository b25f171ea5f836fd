import { Worker } from 'node:worker_threads';
import { connect, type Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import type { Endpoint, Resource } from '@scaler/scaler-types';
import { createFakeClock, type FakeClock } from '@scaler/testing-kit';
import type { Settings } from '../settings.ts';
import { silenceLookMs } from '../sockets/silence.ts';
import { endpoint, type Harness, startHarness, testSettings } from '../testing/harness.ts';
import { ScriptedScaler } from '../testing/scripted-scaler.ts';
import { type End, endOf, type RawApp, startRawApp } from '../testing/stream.ts';
import { limitsOf } from '../proxy.ts';

const web: Resource = { namespace: 'default', name: 'web', scaleResources: [], targets: [] };
const plain = 'GET / HTTP/1.1\r\nhost: web\r\n\r\n';
const begun = 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n';
const day = 24 * 3_600_000;

describe('the limits of a resource', () => {
  test('are the DLX’s where it has none of its own', () => {
    expect(limitsOf(web, testSettings)).toBe(testSettings);
  });

  test('are its own where it has them, each by itself, and 0 is one', () => {
    const { connectTimeoutMs, responseTimeoutMs, idleTimeoutMs, upstreamKeepAliveMs } = testSettings;
    const others = { connectTimeoutMs, responseTimeoutMs, idleTimeoutMs, upstreamKeepAliveMs };
    for (const own of [
      ...[{ connectTimeoutMs: 7 }, { responseTimeoutMs: 0 }, { idleTimeoutMs: 0 }],
      { upstreamKeepAliveMs: 0 },
    ]) {
      expect(limitsOf({ ...web, ...own }, testSettings)).toEqual({ ...others, ...own });
    }
  });

  test('are never longer than the timer of a connection can be, which would fire at once', () => {
    expect(limitsOf({ ...web, connectTimeoutMs: 30 * day }, testSettings).connectTimeoutMs).toBe(2 ** 31 - 1);
  });
});

interface Asked {
  readonly h: Harness;
  readonly clock: FakeClock;
  readonly app: RawApp;
  /** The client's connection, and the app's. */
  readonly near: End;
  readonly far: End;
}

/** A request has come to an app that leaves all else to the test. */
async function asked(own: Partial<Resource>, settings: Partial<Settings> = {}, text = plain): Promise<Asked> {
  const app = await startRawApp();
  const clock = createFakeClock();
  const h = await startHarness({ clock, settings, scaler: new ScriptedScaler({ auto: true }) });
  h.scaler.endpoints('web', [app.endpoint]);
  h.scaler.set({ name: 'web', phase: 'awake', ...own });
  const near = endOf(await h.raw(text));
  return { h, clock, app, near, far: await app.head(0) };
}

/** Lets time pass in which the DLX looks at what is silent as often as it does. */
async function pass(clock: FakeClock, ms: number): Promise<void> {
  for (let passedMs = 0; passedMs < ms; passedMs += silenceLookMs) await clock.advance(silenceLookMs);
}

const ended = (h: Harness): number => h.dlx.core.accounting.ended();

describe('an app that does not begin its answer', () => {
  test.each([
    ['the DLX’s limit', {}, { responseTimeoutMs: 2000 }],
    ['a shorter one of its own', { responseTimeoutMs: 2000 }, { responseTimeoutMs: day }],
    ['a longer one of its own', { responseTimeoutMs: 2000 }, { responseTimeoutMs: 500 }],
  ])('is given up as upstream-timeout after %s', async (_, own, settings) => {
    const { h, clock, near, far } = await asked(own, { idleTimeoutMs: 300, ...settings });
    await pass(clock, 1750);
    expect(ended(h)).toBe(0);
    await pass(clock, 1000);
    await near.hears('"code":"upstream-timeout"');
    expect(near.heard()).toMatch(/^HTTP\/1.1 504 /);
    await far.saw('end');
    await h.end({ 'upstream-timeout': 1 });
  });

  test('may take as long as it likes where its limit is 0, whatever the DLX’s is', async () => {
    const { h, clock, near, far } = await asked({ responseTimeoutMs: 0 }, { responseTimeoutMs: 500 });
    await pass(clock, 600_000);
    far.socket.write(`${begun}good-bye.`);
    await near.hears('good-bye.');
    await h.end({ forwarded: 1 });
  });

  // Once any response byte came, hints too, it is the idle limit that holds.
  test('has sent early hints and nothing else: the limit is the same', async () => {
    const { h, clock, near, far } = await asked({ responseTimeoutMs: 1000 }, { idleTimeoutMs: 3000 });
    far.socket.write('HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n');
    await near.hears('103 ');
    await pass(clock, 1500);
    const early = ended(h);
    await pass(clock, 3000);
    await near.hears('504 ');
    expect(early).toBe(1);
  });
});

describe('an app that falls silent in its answer', () => {
  test.each([
    ['the DLX’s limit', {}, { idleTimeoutMs: 2000 }],
    ['its own', { idleTimeoutMs: 2000 }, { idleTimeoutMs: 500 }],
  ])('is given up as upstream-idle after %s: a reset, as the head was sent', async (_, own, settings) => {
    const { h, clock, near, far } = await asked(own, { responseTimeoutMs: 300, ...settings });
    far.socket.write(`${begun}good`);
    await near.hears('good');
    await pass(clock, 1750);
    expect(ended(h)).toBe(0);
    await pass(clock, 1000);
    await near.saw('reset');
    await far.saw('end');
    await h.end({ 'upstream-idle': 1 });
  });

  test('is answered 504 for where not even the head was whole', async () => {
    const { h, clock, app, near, far } = await asked({ idleTimeoutMs: 1000 }, { responseTimeoutMs: day });
    far.socket.write('HTTP/1.1 200 OK\r\nx-half: ');
    // It is on its way, and nothing but a later request tells that it has come.
    const next = endOf(await h.raw(plain));
    const other = await app.head(1);
    await pass(clock, 1500);
    await near.hears('"code":"upstream-idle"');
    expect(near.heard()).toMatch(/^HTTP\/1.1 504 /);
    other.socket.write(`${begun}good-bye.`);
    await next.hears('good-bye.');
    await h.end({ 'upstream-idle': 1, forwarded: 1 });
  });

  test('is not given up while it says a word now and then', async () => {
    const { h, clock, near, far } = await asked({ idleTimeoutMs: 1000 });
    far.socket.write(begun);
    for (const letter of 'good-bye') {
      far.socket.write(letter);
      await h.until(() => near.heard().endsWith(letter));
      await pass(clock, 750);
    }
    far.socket.write('.');
    await near.hears('good-bye.');
    await h.end({ forwarded: 1 });
  });

  test('may do so for as long as it likes where the limit is 0', async () => {
    const { h, clock, near, far } = await asked({ idleTimeoutMs: 0 }, { idleTimeoutMs: 500, responseTimeoutMs: 500 });
    far.socket.write(`${begun}good`);
    await near.hears('good');
    await pass(clock, 600_000);
    far.socket.write('-bye.');
    await near.hears('good-bye.');
    await h.end({ forwarded: 1 });
  });
});

describe('a client', () => {
  const post = 'POST / HTTP/1.1\r\nhost: web\r\ncontent-length: 10\r\n\r\nhello';

  test('that sends no more of its body has the idle limit, and it is no fault of the app’s', async () => {
    const limits = { responseTimeoutMs: 500, idleTimeoutMs: 2000 };
    const { h, clock, near, far } = await asked(limits, {}, post);
    await far.hears('hello');
    await pass(clock, 1750);
    expect(ended(h)).toBe(0);
    await pass(clock, 1000);
    await near.saw('end');
    await far.saw('end');
    await h.end({ 'client-gone': 1 });
  });

  test('that takes no more of its answer has the idle limit too', async () => {
    const { h, clock, near, far } = await asked({ idleTimeoutMs: 2000 }, { responseTimeoutMs: 500 });
    near.socket.pause();
    const chunk = Buffer.alloc(1024 * 1024, 'x');
    far.socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n');
    let wants = true;
    far.socket.on('drain', () => (wants = true));
    for (let standing = 0; standing < 50;) {
      if (wants) {
        wants = far.socket.write(chunk);
        standing = 0;
      } else standing += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await pass(clock, 1500);
    expect(ended(h)).toBe(0);
    await pass(clock, 2000);
    await h.until(() => far.events.length > 0, 'the app hears of it');
    await h.end({ 'client-gone': 1 });
  });
});

test('what left HTTP has the idle limit of its resource', async () => {
  const offer = 'GET / HTTP/1.1\r\nhost: web\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n';
  const { h, clock, near, far } = await asked({ idleTimeoutMs: 2000 }, { idleTimeoutMs: 500 }, offer);
  far.socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n');
  await near.hears('101 ');
  await pass(clock, 1750);
  expect(h.dlx.core.accounting.openStreams).toBe(1);
  await pass(clock, 1000);
  await Promise.all([near.saw('end'), far.saw('end')]);
  near.socket.end();
  far.socket.end();
  await h.end({ 'upstream-idle': 1 });
});

test('a connection that does not come to stand is given up after the limit of its resource', async () => {
  const hole = await startBlackHole();
  const h = await startHarness({
    scaler: new ScriptedScaler({ auto: true }),
    settings: { connectTimeoutMs: 60_000, holdTimeoutMs: 400 },
  });
  h.scaler.endpoints('web', [hole.endpoint]);
  h.scaler.set({ name: 'web', phase: 'awake', connectTimeoutMs: 100 });
  const { status, problem } = await h.send();
  expect([status, problem.code]).toEqual([502, 'upstream-connect']);
  expect(problem.detail).toContain('in 100 ms');
  await hole.close();
  await h.end({ 'upstream-connect': 1 });
});

/** An address that takes no more connections and refuses none: its backlog is full, and nothing accepts. */
async function startBlackHole(): Promise<{ endpoint: Endpoint; close(): Promise<void> }> {
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads');
     const server = require('node:net').createServer();
     server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
       parentPort.postMessage(server.address().port);
       setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
     });`,
    { eval: true },
  );
  const port = await new Promise<number>((resolve) => worker.once('message', resolve));
  const fill: Socket[] = [];
  let standing = 0;
  // A backlog of one takes two; the worker may have accepted some before it stopped.
  for (let i = 0; i < 8; i++) {
    fill.push(connect(port, '127.0.0.1', () => (standing += 1)).on('error', () => {}));
  }
  for (let quiet = 0, seen = 0; quiet < 20; quiet += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    if (standing !== seen) quiet = 0;
    seen = standing;
  }
  expect(standing).toBeLessThan(8);
  return {
    endpoint: endpoint(port),
    close: async () => {
      for (const socket of fill) socket.destroy();
      await worker.terminate();
    },
  };
}
