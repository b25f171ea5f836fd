import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { createShutdown } from '@scaler/runtime';
import { type CancelTimer, type Clock, type Endpoint, systemClock } from '@scaler/scaler-types';
import { createFakeClock, silentLogger } from '@scaler/testing-kit';
import { WebSocket as Client, WebSocketServer, type WebSocket as Peer } from 'ws';
import { drainTimes, endpoint, type Harness, startHarness, until } from '../testing/harness.ts';
import { ScriptedScaler } from '../testing/scripted-scaler.ts';
import { silenceLookMs } from '../sockets/silence.ts';
import { type End, endOf, startRawApp } from '../testing/stream.ts';

const servers: WebSocketServer[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    for (const peer of server.clients) peer.terminate();
    server.close();
  }
});

interface App {
  readonly endpoint: Endpoint;
  readonly peers: Peer[];
  /** `code reason` of the closes that it saw. */
  readonly closes: string[];
}

/** Greets, echoes, and chooses the last subprotocol. */
async function startApp(): Promise<App> {
  const peers: Peer[] = [];
  const closes: string[] = [];
  const server = new WebSocketServer({
    host: '127.0.0.1',
    port: 0,
    perMessageDeflate: { threshold: 0 },
    handleProtocols: (protocols) => [...protocols].at(-1) ?? false,
  });
  servers.push(server);
  server.on('connection', (peer) => {
    peers.push(peer);
    peer.send('hello');
    peer.on('message', (data, isBinary) => peer.send(data, { binary: isBinary }));
    peer.on('close', (code, reason) => closes.push(`${code} ${reason.toString()}`));
  });
  await once(server, 'listening');
  return { endpoint: endpoint((server.address() as AddressInfo).port), peers, closes };
}

async function awake(app: { endpoint: Endpoint }, clock: Clock = systemClock): Promise<Harness> {
  const settings = { idleTimeoutMs: 3_600_000 };
  const h = await startHarness({ scaler: new ScriptedScaler({ auto: true }), clock, settings });
  h.scaler.endpoints('web', [app.endpoint]);
  // Node's own client cannot set Host.
  const targets = [{ service: 'web', port: 80, routes: [{ host: '127.0.0.1' }] }];
  h.scaler.set({ name: 'web', phase: 'awake', targets });
  return h;
}

interface Talk {
  readonly socket: Client;
  readonly said: string[];
  /** `code reason`, once it closed. */
  readonly closed: Promise<string>;
}

function talk(h: Harness, protocols: string[] = [], perMessageDeflate = true): Talk {
  const socket = new Client(`ws://127.0.0.1:${h.port}/`, protocols, { headers: { host: 'web' }, perMessageDeflate });
  const said: string[] = [];
  socket.on('message', (data: Buffer) => said.push(data.length > 100 ? hash(data) : data.toString()));
  const closed = once(socket, 'close').then(([code, reason]) => `${code} ${String(reason)}`);
  return { socket, said, closed };
}

function hash(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

/** SIGTERM; the time for what is open is over when the test says so. */
function stop(h: Harness): { stopped: Promise<unknown>; timeUp(): Promise<void> } {
  const drainTimeoutMs = 9999;
  let end: (() => void) | undefined;
  const after = (ms: number, fn: () => void): CancelTimer => {
    if (ms !== drainTimeoutMs) return systemClock.after(ms, fn);
    end = fn;
    return () => {};
  };
  const shutdown = createShutdown({ deadlineMs: 20_000, logger: silentLogger, clock: { ...systemClock, after } });
  h.dlx.addDrainSteps(shutdown, drainTimes(drainTimeoutMs));
  return {
    stopped: shutdown.run(),
    async timeUp() {
      await until(() => end !== undefined);
      end?.();
    },
  };
}

test('a WebSocket goes through a cold start with its subprotocol, compression, pings and large messages', async () => {
  const app = await startApp();
  const h = await startHarness();
  h.scaler.set({ name: 'web' });
  const { socket, said, closed } = talk(h, ['one', 'two']);
  (await h.scaler.call(0)).ok();
  h.scaler.endpoints('web', [app.endpoint]);
  await until(() => said.length === 1);
  expect([said[0], socket.protocol, socket.extensions]).toEqual(['hello', 'two', 'permessage-deflate']);
  socket.ping('are you there');
  expect(String((await once(socket, 'pong'))[0])).toBe('are you there');
  app.peers[0]?.ping('and you');
  expect(String((await once(app.peers[0] as Peer, 'pong'))[0])).toBe('and you');
  const big = randomBytes(1024 * 1024);
  for (let i = 0; i < 2; i++) socket.send(big);
  socket.send('small');
  await until(() => said.length === 4);
  expect(said).toEqual(['hello', ...Array<string>(2).fill(hash(big)), 'small']);
  socket.close(4001, 'enough');
  expect(await closed).toBe('4001 enough');
  await until(() => app.closes.length === 1);
  expect(app.closes).toEqual(['4001 enough']);
  await h.end({ forwarded: 1 });
});

test('the app closes, and its code and reason arrive', async () => {
  const app = await startApp();
  const h = await awake(app);
  const { said, closed } = talk(h);
  await until(() => said.length === 1);
  app.peers[0]?.close(1012, 'restart');
  expect(await closed).toBe('1012 restart');
  await h.end({ forwarded: 1 });
});

test('Node’s own client talks through it', async () => {
  const app = await startApp();
  const h = await awake(app);
  const socket = new WebSocket(`ws://127.0.0.1:${h.port}/`, 'own');
  const said: unknown[] = [];
  socket.addEventListener('message', ({ data }) => said.push(data));
  await until(() => said.length === 1);
  socket.send('x'.repeat(100_000));
  await until(() => said.length === 2);
  expect([socket.protocol, (said[1] as string).length]).toEqual(['own', 100_000]);
  const closed = once(socket, 'close') as Promise<[CloseEvent]>;
  socket.close(1000, 'done');
  const [{ code, wasClean }] = await closed;
  expect([code, wasClean]).toEqual([1000, true]);
  await h.end({ forwarded: 1 });
});

test('when one of two DLX stops its WebSockets end as going away, and their clients come back through the other', async () => {
  const app = await startApp();
  const one = await awake(app);
  const other = await awake(app);
  const [first, second] = [talk(one), talk(other)];
  const own = new WebSocket(`ws://127.0.0.1:${one.port}/`);
  await until(() => app.peers.length === 3 && first.said.length === 1);
  const ownClosed = once(own, 'close') as Promise<[CloseEvent]>;
  const { stopped, timeUp } = stop(one);
  await until(() => one.dlx.core.draining);
  first.socket.send('still open');
  await until(() => first.said.includes('still open'));
  await timeUp();
  expect(await first.closed).toBe('1001 ');
  const [{ code, wasClean }] = await ownClosed;
  expect([code, wasClean]).toEqual([1001, true]);
  await stopped;
  expect(app.closes).toEqual(['1001 ', '1001 ']);
  const again = talk(other);
  await until(() => again.said.length === 1);
  for (const { socket, said } of [again, second]) {
    socket.send('and on');
    await until(() => said.includes('and on'));
    socket.close(1000);
  }
  await one.end({ draining: 2 });
  await other.end({ forwarded: 2 });
});

test('a WebSocket that the app ends in time is not cut short when the DLX stops', async () => {
  const app = await startApp();
  const h = await awake(app);
  const { said, closed } = talk(h);
  await until(() => said.length === 1);
  const { stopped } = stop(h);
  await until(() => h.dlx.core.draining);
  app.peers[0]?.close(1000, 'bye');
  expect(await closed).toBe('1000 bye');
  await stopped;
  await h.end({ forwarded: 1 });
});

test('a frame that is under way when the time is over comes out whole, and nothing after it', async () => {
  const app = await startRawApp();
  const h = await awake(app);
  const near = endOf(await h.raw('GET / HTTP/1.1\r\nhost: web\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'));
  const far = await app.head(0);
  far.socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: WebSocket\r\n\r\n\x81\x05he',
    'latin1',
  );
  near.socket.write('\x81\x83abcd', 'latin1');
  await near.hears('he');
  await far.hears('\x81\x83abcd');
  const { stopped, timeUp } = stop(h);
  await timeUp();
  await until(() => h.dlx.core.refusing);
  near.socket.write('xyz\x81\x00', 'latin1');
  far.socket.write('llo\x81\x01!', 'latin1');
  await Promise.all([near.saw('end'), far.saw('end')]);
  expect(near.heard().split('\r\n\r\n')[1]).toBe('\x81\x05hello\x88\x02\x03\xe9');
  const [, after = ''] = far.heard().split('\r\n\r\n');
  expect(after).toMatch(/^\x81\x83abcdxyz\x88\x82[^]{6}$/);
  near.socket.end();
  far.socket.end();
  await stopped;
  await h.end({ draining: 1 });
});

test('after a close frame of their own none is added, and other protocols just end', async () => {
  const app = await startRawApp();
  const h = await awake(app);
  const ends = [];
  for (const [i, protocol, word] of [
    [0, 'websocket', '\x88\x02\x03\xe8'],
    [1, 'chat', 'bye'],
  ] as const) {
    const near = endOf(
      await h.raw(`GET / HTTP/1.1\r\nhost: web\r\nconnection: upgrade\r\nupgrade: ${protocol}\r\n\r\n`),
    );
    const far = await app.head(i);
    const head = `HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: ${protocol}\r\n\r\n`;
    far.socket.write(`${head}${word}`, 'latin1');
    await near.hears(word);
    ends.push({ near, far, word });
  }
  const { stopped, timeUp } = stop(h);
  await timeUp();
  for (const { near, far, word } of ends) {
    await Promise.all([near.saw('end'), far.saw('end')]);
    expect(near.heard().split('\r\n\r\n')[1]).toBe(word);
    near.socket.end();
    far.socket.end();
  }
  await stopped;
  await h.end({ draining: 2 });
});

/** A WebSocket that both sides have opened by hand, or another protocol. */
async function opened(protocol: string) {
  const app = await startRawApp();
  const clock = createFakeClock();
  const h = await awake(app, clock);
  const near = endOf(await h.raw(`GET / HTTP/1.1\r\nhost: web\r\nconnection: upgrade\r\nupgrade: ${protocol}\r\n\r\n`));
  const far = await app.head(0);
  far.socket.write(`HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: ${protocol}\r\n\r\n`);
  await near.hears('101 ');
  const pass = async (ms: number): Promise<void> => {
    for (let passedMs = 0; passedMs < ms; passedMs += silenceLookMs) await clock.advance(silenceLookMs);
  };
  return { h, near, far, pass, clock };
}

const closeFrame = '\x88\x80abcd';

test.each([
  ['ended', (near: End) => void near.socket.end(), (far: End) => far.saw('end')],
  [
    'sent a close frame',
    (near: End) => void near.socket.write(closeFrame, 'latin1'),
    (far: End) => far.hears(closeFrame),
  ],
])(
  'a WebSocket whose client has %s, and on which nothing moves for a minute, is closed on both sides',
  async (_, leave, heard) => {
    const { h, near, far, pass, clock } = await opened('websocket');
    leave(near);
    await heard(far);
    await pass(59_000);
    expect(h.dlx.core.tunnels.size).toBe(1);
    // What still comes puts it off.
    far.socket.write('\x81\x02hi', 'latin1');
    await near.hears('hi');
    await pass(59_000);
    expect(h.dlx.core.tunnels.size).toBe(1);
    await pass(2000);
    await near.saw('end');
    await clock.advance(1000);
    await h.until(() => h.dlx.core.tunnels.size === 0, 'it is closed');
    await h.end({ 'client-gone': 1 });
  },
);

test.each([
  ['a WebSocket whose app has ended', 'websocket', 'far'],
  ['another protocol whose client has ended', 'chat', 'near'],
] as const)('%s stays as it is', async (_, protocol, who) => {
  const { h, near, far, pass } = await opened(protocol);
  const [one, other] = who === 'near' ? [near, far] : [far, near];
  one.socket.end();
  await other.saw('end');
  await pass(120_000);
  other.socket.write('\x81\x02hi', 'latin1');
  await one.hears('hi');
  other.socket.end();
  await h.end({ forwarded: 1 });
});

test('one that will not end in its own words is closed all the same', async () => {
  const app = await startRawApp();
  const h = await awake(app);
  const near = endOf(await h.raw('GET / HTTP/1.1\r\nhost: web\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'));
  const far = await app.head(0);
  far.socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n\x81\x05he',
    'latin1',
  );
  await near.hears('he');
  const { stopped, timeUp } = stop(h);
  await timeUp();
  await stopped;
  await Promise.all([near.saw('end'), far.saw('end')]);
  await until(() => h.dlx.core.tunnels.size === 0);
  await h.end({ draining: 1 });
});
