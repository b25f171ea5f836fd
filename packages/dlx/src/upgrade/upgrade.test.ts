import { expect, test } from '@jest/globals';
import { peerRoutes } from '../control/peer.ts';
import { refusingEndpoint, startEagerUpstream, startTcp, startUpstream } from '../testing/upstream.ts';
import { type Harness, type HarnessOptions, startHarness } from '../testing/harness.ts';
import { ScriptedScaler } from '../testing/scripted-scaler.ts';
import { type End, endOf, startRawApp } from '../testing/stream.ts';
import type { Endpoint } from '@scaler/scaler-types';

const offer = (protocol = 'chat/1, chat/2', more = ''): string =>
  `GET /room?a=1 HTTP/1.1\r\nHost: web\r\nConnection: keep-alive, Upgrade\r\nUpgrade: ${protocol}\r\n${more}\r\n`;
const switched =
  'HTTP/1.1 101 Gladly\r\nconnection: upgrade, x-own\r\nx-own: 1\r\nupgrade: chat/2\r\nX-Room: 7\r\n\r\n';

async function awake(endpoints: readonly Endpoint[], options: HarnessOptions = {}): Promise<Harness> {
  const h = await startHarness({ scaler: new ScriptedScaler({ auto: true }), ...options });
  h.scaler.endpoints('web', endpoints);
  h.scaler.set({ name: 'web', phase: 'awake' });
  return h;
}

async function client(h: Harness, text: string): Promise<End> {
  return endOf(await h.raw(text));
}

/** A client and an app that have left HTTP. */
async function joined(options: HarnessOptions = {}): Promise<{ h: Harness; near: End; far: End }> {
  const app = await startRawApp();
  const h = await awake([app.endpoint], options);
  const near = await client(h, offer());
  const far = await app.head(0);
  far.socket.write(switched);
  await near.hears('\r\n\r\n');
  return { h, near, far };
}

test('any protocol goes through a cold start; what either side says early comes right behind the head', async () => {
  const app = await startRawApp();
  const h = await startHarness();
  h.scaler.set({ name: 'web' });
  const near = await client(h, `${offer()}early`);
  (await h.scaler.call(0)).ok();
  near.socket.write(' bird');
  h.scaler.endpoints('web', [app.endpoint]);
  const far = await app.head(0);
  const [line, ...fields] = far.heard().slice(0, -4).split('\r\n');
  expect(line).toBe('GET /room?a=1 HTTP/1.1');
  expect(fields).toEqual([
    'Host: web',
    'x-forwarded-for: 127.0.0.1',
    'x-forwarded-proto: http',
    'x-forwarded-host: web',
    'x-scaler-hop: default/web',
    'connection: Upgrade',
    'upgrade: chat/1, chat/2',
  ]);
  far.socket.write(`${switched}first`);
  await far.hears('\r\n\r\nearly bird');
  await near.hears('first');
  expect(near.heard()).toBe('HTTP/1.1 101 Gladly\r\nconnection: Upgrade\r\nupgrade: chat/2\r\nX-Room: 7\r\n\r\nfirst');
  near.socket.end();
  far.socket.end();
  await near.saw('close');
  await h.end({ forwarded: 1 });
});

test('each direction ends by itself, and until both have it is in flight and an open stream', async () => {
  const { h, near, far } = await joined();
  const gate = h.dlx.resources.gates.get('default/web');
  expect([gate?.inFlight, gate?.openStreams, h.dlx.core.accounting.openStreams]).toEqual([1, 1, 1]);
  expect(gate?.raiseFence('e')).toMatchObject({ clear: false });
  near.socket.end('over');
  await far.saw('end');
  await far.hears('over');
  expect([gate?.inFlight, gate?.openStreams]).toEqual([1, 1]);
  const activity = peerRoutes(h.dlx)
    .find(({ path }) => path === '/activity')
    ?.handle({} as never);
  expect(activity).toMatchObject({ body: { resources: { 'default/web': { openStreams: 1 } } } });
  far.socket.write('still here');
  await near.hears('still here');
  far.socket.end();
  await near.saw('end');
  await h.until(() => gate?.inFlight === 0);
  expect([gate?.openStreams, h.dlx.core.accounting.openStreams, h.dlx.core.tunnels.size]).toEqual([0, 0, 0]);
  expect(gate?.recent()[0]).toMatchObject({ outcome: 'forwarded', status: 101 });
  await h.end({ forwarded: 1 });
});

test('the app may be the one to end first', async () => {
  const { h, near, far } = await joined();
  far.socket.end('bye');
  await near.saw('end');
  await near.hears('bye');
  near.socket.write('and one more thing');
  await far.hears('and one more thing');
  near.socket.end();
  await far.saw('close');
  await h.end({ forwarded: 1 });
});

test('a client that resets is reset towards the app, and counted as gone', async () => {
  const { h, near, far } = await joined();
  near.socket.resetAndDestroy();
  await far.saw('reset');
  await h.end({ 'client-gone': 1 });
});

test('an app that resets is reset towards the client, and counted as such', async () => {
  const { h, near, far } = await joined();
  far.socket.resetAndDestroy();
  await near.saw('reset');
  await h.end({ 'upstream-reset': 1 });
});

test('a side that does not read stops the other, and gets everything once it reads', async () => {
  const { h, near, far } = await joined();
  const size = 16 * 1024 * 1024;
  const chunk = Buffer.alloc(65_536, 1);
  for (const [from, to] of [
    [near, far],
    [far, near],
  ] as const) {
    to.socket.removeAllListeners('data').pause();
    let written = 0;
    const more = (): void => {
      while (written < size) {
        written += chunk.length;
        if (!from.socket.write(chunk)) return void from.socket.once('drain', more);
      }
    };
    more();
    let before = -1;
    while (before !== written) {
      before = written;
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
    expect(written).toBeLessThan(size);
    let received = 0;
    to.socket.on('data', ({ length }: Buffer) => (received += length)).resume();
    await h.until(() => received === size);
  }
  near.socket.end();
  far.socket.end();
  await h.end({ forwarded: 1 });
});

test('an app that stays with HTTP is the answer, and what the client sent early is no request', async () => {
  const app = await startRawApp();
  const h = await awake([app.endpoint]);
  const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: web\r\n\r\n';
  const near = await client(h, `${offer('websocket')}${smuggled}`);
  const far = await app.head(0);
  far.socket.write('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n');
  await near.hears('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n');
  far.socket.write('HTTP/1.1 426 Not Like That\r\nupgrade: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nold\r\n0\r\n');
  far.socket.write('x-sum: 1\r\n\r\n');
  near.socket.write(smuggled);
  await near.saw('end');
  const answer = near.heard();
  expect(answer).toContain('HTTP/1.1 426 Not Like That\r\n');
  expect(answer).toContain('Connection: close, upgrade\r\n');
  expect(answer.slice(answer.lastIndexOf('\r\n\r\n3\r\n'))).toBe('\r\n\r\n3\r\nold\r\n0\r\nx-sum: 1\r\n\r\n');
  near.socket.end();
  await near.saw('close');
  expect(far.heard()).not.toContain('smuggled');
  expect(app.ends).toHaveLength(1);
  await h.end({ forwarded: 1 });
});

test('an app that goes over to what it does not name has not gone over', async () => {
  const app = await startRawApp();
  const h = await awake([app.endpoint]);
  const near = await client(h, offer());
  const far = await app.head(0);
  far.socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\nGET');
  await near.saw('end');
  expect(near.heard()).toMatch(/^HTTP\/1.1 502 /);
  near.socket.end();
  await h.end({ 'upstream-reset': 1 });
});

test('an app that breaks off its answer in HTTP ends in a reset', async () => {
  const app = await startRawApp();
  const h = await awake([app.endpoint]);
  const near = await client(h, offer());
  const far = await app.head(0);
  far.socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf');
  await near.hears('half');
  far.socket.end();
  await near.saw('reset');
  await h.end({ 'upstream-reset': 1 });
});

test('an answer in HTTP waits for a client that is slow to read it', async () => {
  const body = Buffer.alloc(4 * 1024 * 1024, 'x');
  const app = await startEagerUpstream((_req, res) => res.writeHead(403, { 'content-length': body.length }).end(body));
  const h = await awake([app.endpoint]);
  const socket = await h.raw(offer());
  socket.pause();
  await h.until(() => h.dlx.core.accounting.accepted === 1);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const near = endOf(socket);
  socket.resume();
  await near.saw('end');
  expect(near.heard().length).toBeGreaterThan(body.length);
  await h.end({ forwarded: 1 });
});

test('of what a held client sends early little is read, and all of it arrives', async () => {
  const app = await startRawApp();
  const h = await startHarness();
  h.scaler.set({ name: 'web' });
  const near = await client(h, offer());
  await h.until(() => h.held() === 1);
  const size = 8 * 1024 * 1024;
  near.socket.write(Buffer.alloc(size, 'x'));
  const [connection] = h.dlx.server.connections;
  await h.until(() => connection?.socket.isPaused() === true);
  expect(connection?.socket.bytesRead).toBeLessThan(512 * 1024);
  (await h.scaler.call(0)).ok();
  h.scaler.endpoints('web', [app.endpoint]);
  const far = await app.head(0);
  far.socket.write(switched);
  await h.until(() => far.heard().length > size);
  expect(far.heard().slice(-size)).toBe('x'.repeat(size));
  near.socket.end();
  far.socket.end();
  await h.end({ forwarded: 1 });
});

test('once all is said a client may go, though the app has not taken it all yet', async () => {
  const { h, near, far } = await joined();
  far.socket.pause();
  const size = 4 * 1024 * 1024;
  near.socket.end(Buffer.alloc(size, 'x'));
  far.socket.end('enough');
  await near.hears('enough');
  far.socket.resume();
  await h.until(() => far.heard().length > size);
  await h.end({ forwarded: 1 });
});

test.each([
  ['resets', (socket: End['socket']) => socket.resetAndDestroy()],
  ['says it is done', (socket: End['socket']) => socket.end()],
])('a held client that %s frees its slot, and the app is not called', async (_, leave) => {
  const app = await startRawApp();
  const h = await startHarness();
  h.scaler.set({ name: 'web' });
  const { socket } = await client(h, `${offer()}early`);
  await h.until(() => h.held() === 1);
  leave(socket);
  await h.until(() => h.held() === 0);
  h.scaler.endpoints('web', [app.endpoint]);
  h.scaler.calls[0]?.ok();
  expect(app.ends).toHaveLength(0);
  await h.end({ 'client-gone': 1 });
});

test('what DLX itself has to say is a problem in HTTP, and the end of the connection', async () => {
  const h = await startHarness({ settings: { holdLimit: 1, holdTimeoutMs: 150 } });
  h.scaler.set({ name: 'web' });
  const first = await client(h, offer());
  await h.until(() => h.held() === 1);
  const second = await client(h, `${offer()}GET / HTTP/1.1\r\nhost: web\r\n\r\n`);
  const lost = await client(h, offer().replace('Host: web', 'Host: unknown'));
  const bad = await client(h, offer().replace('Host: web', 'Host: web\r\nHost: web'));
  for (const [end, status, code] of [
    [second, 503, 'overflow'],
    [first, 504, 'wake-timeout'],
    [lost, 404, 'no-route'],
    [bad, 400, 'bad-request'],
  ] as const) {
    await end.saw('end');
    const [head = '', body = ''] = end.heard().split('\r\n\r\n');
    expect(head).toContain(`HTTP/1.1 ${status} `);
    expect(head).toContain('Connection: close');
    expect(head.toLowerCase()).toContain(`content-length: ${body.length}`);
    expect(JSON.parse(body)).toMatchObject({ code });
    end.socket.end();
  }
  await h.end({ overflow: 1, 'wake-timeout': 1, 'no-route': 1, 'bad-request': 1 });
});

test('a probe that offers something does not wake', async () => {
  const h = await startHarness();
  h.scaler.set({ name: 'web' });
  const near = await client(h, offer('x', 'User-Agent: kube-probe/1.35\r\n'));
  await near.saw('end');
  expect(near.heard()).toMatch(/^HTTP\/1.1 200 OK\r\n/);
  expect(h.scaler.calls).toHaveLength(0);
  await h.end({ 'not-woken': 1 });
});

test('an endpoint that refuses is left out; when all do it goes back to waiting', async () => {
  const app = await startRawApp();
  const h = await awake([refusingEndpoint()]);
  const near = await client(h, `${offer()}kept`);
  await h.until(() => h.held() === 1);
  h.scaler.endpoints('web', [refusingEndpoint(), app.endpoint]);
  const far = await app.head(0);
  far.socket.write(switched);
  await far.hears('kept');
  near.socket.end();
  far.socket.end();
  await h.end({ forwarded: 1 });
});

test('an endpoint that breaks off without a byte is tried once more, one that said something is not', async () => {
  const broken = await startTcp((socket) => socket.once('data', () => socket.resetAndDestroy()));
  const mumbling = await startTcp((socket) =>
    socket.once('data', () => socket.write('HTTP/1.1 1', () => setImmediate(() => socket.destroy()))),
  );
  const h = await awake([broken.endpoint]);
  for (const endpoint of [broken.endpoint, mumbling.endpoint]) {
    h.scaler.endpoints('web', [endpoint]);
    const near = await client(h, offer());
    await near.saw('end');
    expect(near.heard()).toMatch(/^HTTP\/1.1 502 /);
    near.socket.end();
  }
  const gate = h.dlx.resources.gates.get('default/web');
  expect(gate?.recent().map(({ detail }) => detail)).toEqual([
    expect.stringMatching(/hang up|ECONNRESET/),
    expect.stringContaining('ECONNRESET'),
  ]);
  const app = await startRawApp();
  h.scaler.endpoints('web', [broken.endpoint, app.endpoint]);
  const ends = [await client(h, offer()), await client(h, offer())];
  for (const i of [0, 1]) (await app.head(i)).socket.end(switched);
  for (const end of ends) {
    await end.saw('end');
    end.socket.end();
  }
  await h.end({ 'upstream-reset': 2, forwarded: 2 });
});

test('an app that does not answer an offer in time is given up', async () => {
  const app = await startRawApp();
  const h = await awake([app.endpoint], { settings: { responseTimeoutMs: 50 } });
  const near = await client(h, offer());
  await near.saw('end');
  expect(near.heard()).toMatch(/^HTTP\/1.1 504 /);
  expect(app.ends).toHaveLength(1);
  near.socket.end();
  await h.end({ 'upstream-timeout': 1 });
});

test('a stream in which neither side says a word for too long is ended', async () => {
  const { h, near, far } = await joined({ settings: { idleTimeoutMs: 50 } });
  await Promise.all([near.saw('end'), far.saw('end')]);
  near.socket.end();
  far.socket.end();
  await h.end({ 'upstream-idle': 1 });
});

test('a client that hears that it is over and does not end is closed all the same', async () => {
  const { h } = await joined();
  for (const tunnel of h.dlx.core.tunnels) tunnel.leave('upstream-idle', 'over');
  await h.until(() => h.dlx.core.tunnels.size === 0);
  await h.end({ 'upstream-idle': 1 });
});

test.each([
  ['an offer of h2c, which is not taken up', 'HTTP/1.1', 'h2c', 'HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n', ''],
  ['an offer of TLS, as by Apache’s client', 'HTTP/1.1', 'TLS/1.2', 'Content-Length: 4\r\n', 'body'],
  ['an offer with a body', 'HTTP/1.1', 'tcp', 'Transfer-Encoding: chunked\r\n', '4\r\nbody\r\n0\r\n\r\n'],
  ['an offer in HTTP/1.0', 'HTTP/1.0', 'websocket', 'Content-Length: 4\r\n', 'body'],
])('%s is an ordinary request, and its connection goes on', async (_, version, protocol, field, body) => {
  const app = await startUpstream((req, res, text) => res.end(`${req.headers.upgrade}, ${text}.`));
  const h = await awake([app.endpoint]);
  const text = `POST / ${version}\r\nHost: web\r\nConnection: Upgrade, HTTP2-Settings, keep-alive\r\nUpgrade: ${protocol}\r\n${field}\r\n${body}`;
  const near = await client(h, `${text}${text}`);
  const said = `undefined, ${body === '' ? '' : 'body'}.`;
  await h.until(() => near.heard().split(said).length === 3, 'two answers');
  near.socket.write('GET /third HTTP/1.1\r\nHost: web\r\n\r\n');
  await near.hears('undefined, .');
  await h.until(() => h.dlx.core.accounting.ended() === 3);
  expect(app.seen).toEqual([
    `POST / ${said.slice(11, -1)}`.trim(),
    `POST / ${said.slice(11, -1)}`.trim(),
    'GET /third',
  ]);
  await h.end({ forwarded: 3 });
});

test('the length of a body is found behind a thousand other fields', async () => {
  const app = await startRawApp();
  const h = await awake([app.endpoint]);
  const near = await client(h, `${offer('h2c', `${'a:\r\n'.repeat(1100)}Content-Length: 4\r\n`)}body`);
  const far = await app.head(0);
  await far.hears('\r\n\r\nbody');
  expect(far.heard()).toContain('content-length: 4\r\n');
  far.socket.write('HTTP/1.1 204 Done\r\n\r\n');
  await near.hears('204 Done');
  await h.end({ forwarded: 1 });
});

test('among other offers h2c is left out', async () => {
  const app = await startRawApp();
  const h = await awake([app.endpoint]);
  const near = await client(h, offer('h2c, websocket', 'upgrade: chat\r\n'));
  const far = await app.head(0);
  expect(far.heard()).toContain('\r\nupgrade: websocket, chat\r\n');
  far.socket.end(switched);
  near.socket.end();
  await h.end({ forwarded: 1 });
});

test('an offer behind a request that is not answered yet waits for its turn', async () => {
  const answers: (() => void)[] = [];
  const size = 1024 * 1024;
  const slow = await startEagerUpstream((_req, res) => answers.push(() => res.end(Buffer.alloc(size, 'x'))));
  const app = await startRawApp();
  const h = await awake([slow.endpoint]);
  const socket = await h.raw(`GET /1 HTTP/1.1\r\nHost: web\r\n\r\nGET /2 HTTP/1.1\r\nHost: web\r\n\r\n${offer()}early`);
  socket.pause();
  await h.until(() => answers.length === 1);
  answers[0]?.();
  await h.until(() => answers.length === 2);
  socket.write(' bird');
  const near = endOf(socket);
  socket.resume();
  await h.until(() => near.heard().length > size);
  h.scaler.endpoints('web', [app.endpoint]);
  answers[1]?.();
  const far = await app.head(0);
  expect(near.heard().split('HTTP/1.1 200 OK')).toHaveLength(3);
  far.socket.write(switched);
  await far.hears('early bird');
  await near.hears('HTTP/1.1 101 Gladly');
  near.socket.end();
  far.socket.end();
  await h.end({ forwarded: 3 });
});

test('an ignored offer behind a request that is not answered yet waits too, and what follows is read', async () => {
  const answers: (() => void)[] = [];
  const app = await startEagerUpstream((req, res) => answers.push(() => res.end(req.url)));
  const h = await awake([app.endpoint]);
  const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: web\r\n\r\n`;
  const near = await client(h, `${get('/1')}${get('/2')}${offer('h2c').replace('/room?a=1', '/3')}`);
  await h.until(() => answers.length === 1);
  near.socket.write(get('/4'));
  for (let i = 0; i < 4; i++) {
    await h.until(() => answers.length === i + 1);
    answers[i]?.();
    await near.hears(`/${i + 1}`);
  }
  await h.end({ forwarded: 4 });
});

test('an offer behind a request whose answer ends the connection is dropped with it', async () => {
  const app = await startUpstream();
  const h = await awake([app.endpoint]);
  h.dlx.core.draining = true;
  const near = await client(h, `GET / HTTP/1.1\r\nHost: web\r\n\r\n${offer()}`);
  await near.saw('end');
  near.socket.end();
  await near.saw('close');
  await h.end({ forwarded: 1 });
});
