import { createServer as createHttpServer } from 'node:http';
import type { Socket } from 'node:net';
import { expect, test } from '@jest/globals';
import { createFakeClock } from '@scaler/testing-kit';
import { type Harness, startHarness } from '../testing/harness.ts';
import { ScriptedScaler } from '../testing/scripted-scaler.ts';
import { freePort, refusingEndpoint, startTcp, startUpstream, type Upstream } from '../testing/upstream.ts';

const echo = createHttpServer((req, res) => req.pipe(res));

async function awake(endpoints: readonly Upstream['endpoint'][], h?: Harness): Promise<Harness> {
  const harness = h ?? (await startHarness({ scaler: new ScriptedScaler({ auto: true }) }));
  harness.scaler.endpoints('web', endpoints);
  harness.scaler.set({ name: 'web', phase: 'awake' });
  return harness;
}

const retries = (h: Harness): Promise<number[]> =>
  Promise.all(['connect', 'replay', 'idempotent'].map((kind) => h.metric(`dlx_retries_total{kind="${kind}"}`)));

test.each([
  ['GET', '', 1],
  ['POST', 'a body', 1],
  ['POST', '', 1],
  ['POST', 'a body', 20],
])(
  'first 5 connections reset: a %s "%s", %i at once, sees 200 only, and within a second',
  async (method, body, many) => {
    let connections = 0;
    const app = await startTcp((socket) => {
      if (++connections <= 5) socket.resetAndDestroy();
      else echo.emit('connection', socket);
    });
    const h = await awake([app.endpoint]);
    const startedMs = performance.now();
    const answers = await Promise.all(Array.from({ length: many }, () => h.send({ method, body })));
    expect(answers.map((answer) => [answer.status, answer.body])).toEqual(Array(many).fill([200, body]));
    expect(performance.now() - startedMs).toBeLessThan(1000);
    expect(await retries(h)).toEqual([5, 0, 0]);
    await h.end({ forwarded: many });
  },
);

test('what closes a connection before anything was sent is tried again like what refuses it', async () => {
  let connections = 0;
  const app = await startTcp((socket) => {
    if (++connections === 1) socket.end();
    else echo.emit('connection', socket);
  });
  const h = await awake([app.endpoint]);
  expect((await h.send({ method: 'POST', body: 'kept' })).body).toBe('kept');
  await h.end({ forwarded: 1 });
});

test.each([
  ['GET', '', 2, 1],
  ['DELETE', '', 2, 1],
  ['POST', '', 1, 0],
  ['PATCH', 'x', 1, 0],
  ['PUT', 'x', 1, 0],
] as const)('a %s "%s" that was sent and got no answer goes out %i times', async (method, body, times, idempotent) => {
  let sent = 0;
  const app = await startTcp((socket) =>
    socket.once('data', () => {
      sent += 1;
      socket.resetAndDestroy();
    }),
  );
  const h = await awake([app.endpoint]);
  const { status, problem } = await h.send({ method, body });
  expect([status, problem.code, sent]).toEqual([502, 'upstream-reset', times]);
  expect(await retries(h)).toEqual([0, 0, idempotent]);
  await h.end({ 'upstream-reset': 1 });
});

test('no byte of an answer may have come: what began one is never sent again', async () => {
  let sent = 0;
  const app = await startTcp((socket) =>
    socket.once('data', () => {
      sent += 1;
      socket.write('HTTP/1.1 2', () => socket.resetAndDestroy());
    }),
  );
  const h = await awake([app.endpoint]);
  await h.send();
  expect(sent).toBeLessThanOrEqual(2);
  await h.end({ 'upstream-reset': 1 });
});

test('a request whose body has not begun is replayed, whatever its method, and its body goes whole to another', async () => {
  const sockets: Socket[] = [];
  const app = await startTcp((socket) => {
    sockets.push(socket);
    echo.emit('connection', socket);
  });
  const h = await awake([app.endpoint]);
  await h.send();
  const client = await h.raw('POST / HTTP/1.1\r\nhost: web\r\ncontent-length: 5\r\n\r\n');
  await h.until(() => h.dlx.core.accounting.inFlight === 1);
  sockets[0]?.resetAndDestroy();
  await h.until(() => sockets.length === 2);
  client.write('hello');
  let text = '';
  client.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await h.until(() => text.endsWith('hello\r\n0\r\n\r\n'));
  expect(text).toMatch(/^HTTP\/1.1 200 /);
  expect(await retries(h)).toEqual([0, 1, 0]);
  await h.end({ forwarded: 2 });
});

test('a request that is sent again goes over a new connection: those that stood idle may be as dead', async () => {
  const perConnection = new WeakMap<Socket, number>();
  const server = createHttpServer((req, res) => {
    const count = (perConnection.get(req.socket) ?? 0) + 1;
    perConnection.set(req.socket, count);
    if (count > 1) req.socket.resetAndDestroy();
    else res.end('ok');
  });
  const app = await startTcp((socket) => void server.emit('connection', socket));
  const h = await awake([app.endpoint]);
  await Promise.all([h.send(), h.send(), h.send()]);
  expect((await h.send()).status).toBe(200);
  expect(await retries(h)).toEqual([0, 0, 1]);
  await h.end({ forwarded: 4 });
});

test('when the budget is used up a request is answered instead of being sent once more', async () => {
  const served = new WeakSet<Socket>();
  const server = createHttpServer((req, res) => {
    if (served.has(req.socket)) req.socket.resetAndDestroy();
    else res.end('ok');
    served.add(req.socket);
  });
  const app = await startTcp((socket) => void server.emit('connection', socket));
  // The clock stands still, so nothing comes back.
  const h = await startHarness({ clock: createFakeClock(), scaler: new ScriptedScaler({ auto: true }) });
  await awake([app.endpoint], h);
  const statuses: number[] = [];
  for (let i = 0; i < 14; i++) statuses.push((await h.send()).status);
  // Ten, and one in five of the others.
  expect(statuses).toEqual([...Array<number>(13).fill(200), 502]);
  expect(await retries(h)).toEqual([0, 0, 12]);
  expect(await h.metric('dlx_retries_refused_total')).toBe(1);
  await h.end({ forwarded: 13, 'upstream-reset': 1 });
});

test('where the only endpoint breaks off some of its answers the others do not wait for that', async () => {
  const server = createHttpServer((req, res) => {
    if (req.url === '/breaks')
      res.writeHead(200, { 'content-length': 9 }).write('half', () => req.socket.resetAndDestroy()); // prettier-ignore
    else res.end('whole');
  });
  const app = await startTcp((socket) => void server.emit('connection', socket));
  const h = await startHarness({ clock: createFakeClock(), scaler: new ScriptedScaler({ auto: true }) });
  await awake([app.endpoint], h);
  for (let i = 0; i < 3; i++) {
    await expect(h.send({ path: '/breaks' })).rejects.toThrow(/aborted|ECONNRESET|hang up/);
    // The clock stands still: nothing that has to wait is ever answered.
    const answers = await Promise.all(Array.from({ length: 40 }, () => h.send()));
    expect(answers.map(({ body }) => body)).toEqual(Array(40).fill('whole'));
  }
  await h.end({ 'upstream-reset': 3, forwarded: 120 });
});

test('a failing endpoint is left out while there is another, and the last one never is', async () => {
  const app = await startUpstream();
  const h = await awake([refusingEndpoint(), app.endpoint]);
  for (let i = 0; i < 6; i++) expect((await h.send()).status).toBe(200);
  app.close();
  const port = await freePort();
  h.scaler.endpoints('web', [refusingEndpoint(), { address: '127.0.0.1', port, id: 'late' }]);
  const answers = Array.from({ length: 10 }, () => h.send({ method: 'POST', body: 'late' }));
  await h.until(() => h.held() === 10);
  await startTcp((socket) => echo.emit('connection', socket), port);
  expect((await Promise.all(answers)).map(({ body }) => body)).toEqual(Array(10).fill('late'));
  await h.end({ forwarded: 16 });
});

test('a client that leaves while its request tries an endpoint for all makes room for the next', async () => {
  let asked = 0;
  let mute = true;
  const app = await startTcp((socket) => {
    if (++asked === 1) socket.resetAndDestroy();
    else if (!mute) echo.emit('connection', socket);
  });
  const h = await awake([app.endpoint]);
  const first = await h.raw('GET / HTTP/1.1\r\nhost: web\r\n\r\n');
  await h.until(() => asked === 2 && h.dlx.core.accounting.inFlight === 1);
  const second = h.send();
  await h.until(() => h.dlx.core.accounting.accepted === 2);
  mute = false;
  first.destroy();
  expect((await second).status).toBe(200);
  await h.end({ 'client-gone': 1, forwarded: 1 });
});
