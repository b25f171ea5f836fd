import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { expect, test } from '@jest/globals';
import { ScriptedScaler } from '../testing/scripted-scaler.ts';
import { type Harness, send, startHarness } from '../testing/harness.ts';
import {
  freePort,
  refusingEndpoint,
  startEagerUpstream,
  startTcp,
  startUpstream,
  type Upstream,
} from '../testing/upstream.ts';

async function awake(endpoints: readonly { endpoint: Upstream['endpoint'] }[], h?: Harness): Promise<Harness> {
  const harness = h ?? (await startHarness({ scaler: new ScriptedScaler({ auto: true }) }));
  harness.scaler.endpoints(
    'web',
    endpoints.map(({ endpoint }) => endpoint),
  );
  harness.scaler.set({ name: 'web', phase: 'awake' });
  return harness;
}

test('a body of 1 MB comes out as it went in, both ways, through a cold start', async () => {
  const body = randomBytes(1024 * 1024);
  const app = await startUpstream((_req, res, text) => {
    const received = Buffer.from(text, 'latin1');
    res.setHeader('x-hash', createHash('sha256').update(received).digest('hex'));
    res.end(received.toString('base64'));
  });
  const h = await startHarness();
  h.scaler.set({ name: 'web' });
  h.scaler.endpoints('web', [app.endpoint]);
  const answer = h.send({ method: 'POST', body });
  (await h.scaler.call(0)).ok();
  const { headers, body: text } = await answer;
  expect(headers['x-hash']).toBe(createHash('sha256').update(body).digest('hex'));
  expect(text === body.toString('base64')).toBe(true);
  await h.end({ forwarded: 1 });
});

test('fields are passed on as they are, but for those of the connection, and those that tell of the client', async () => {
  const app = await startUpstream((_req, res) => {
    res.writeHead(201, 'Made', { 'X-Own': 'a', 'Set-Cookie': ['a=1', 'b=2'], Connection: 'x-secret', 'X-Secret': '1' });
    res.end('ok');
  });
  const h = await awake([app]);
  const headers = {
    Host: 'Web:80',
    'X-Mixed': 'Yes',
    Connection: 'x-hop',
    'X-Hop': '1',
    TE: 'trailers',
    'Keep-Alive': '5',
  };
  const { status, response } = await h.send({ headers: { ...headers, 'X-Forwarded-For': '9.9.9.9' } });
  expect([status, response.statusMessage]).toEqual([201, 'Made']);
  expect(response.rawHeaders.slice(0, 6)).toEqual(['X-Own', 'a', 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2']);
  expect(response.headers['x-secret']).toBeUndefined();
  const seen = app.heads[0];
  expect(seen?.rawHeaders).toEqual(expect.arrayContaining(['X-Mixed', 'Yes']));
  expect(seen?.headers).toEqual({
    host: 'Web:80',
    connection: 'keep-alive',
    'x-mixed': 'Yes',
    te: 'trailers',
    'x-forwarded-for': '9.9.9.9, 127.0.0.1',
    'x-forwarded-proto': 'http',
    'x-forwarded-host': 'Web:80',
    'x-scaler-hop': 'default/web',
  });
  await h.end({ forwarded: 1 });
});

test.each([
  ['GET', '/%zz?a=//b'],
  ['GET', '//a/../b'],
  ['PURGE', '/x'],
  ['DELETE', '/x'],
  ['OPTIONS', '/x'],
  ['PROPFIND', '/x'],
])('%s %s goes through unchanged', async (method, path) => {
  const app = await startUpstream();
  const h = await awake([app]);
  expect((await h.send({ method, path })).status).toBe(200);
  expect(app.seen).toEqual([`${method} ${path}`]);
  await h.end({ forwarded: 1 });
});

test('HEAD, 204 and 304 have no body, and trailers and early hints come through', async () => {
  const app = await startUpstream((req, res) => {
    if (req.url === '/204') res.writeHead(204).end();
    else if (req.url === '/304') res.writeHead(304, { etag: '"a"' }).end();
    else if (req.method === 'HEAD') res.writeHead(200, { 'content-length': 500 }).end();
    else {
      res.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' });
      res.writeHead(200, { Trailer: 'x-sum' });
      res.write('part one, ');
      res.addTrailers({ 'x-sum': '42' });
      res.end('part two');
    }
  });
  const h = await awake([app]);
  const head = await h.send({ method: 'HEAD' });
  expect([head.status, head.headers['content-length'], head.body]).toEqual([200, '500', '']);
  expect((await h.send({ path: '/204' })).status).toBe(204);
  expect((await h.send({ path: '/304' })).headers['etag']).toBe('"a"');
  const informed: number[] = [];
  const req = request({ port: h.port, headers: { host: 'web' }, agent: false }).end();
  req.on('information', ({ statusCode }) => informed.push(statusCode));
  const [res] = (await once(req, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of res) text += String(chunk);
  expect([informed, text, res.trailers]).toEqual([[103], 'part one, part two', { 'x-sum': '42' }]);
  await h.end({ forwarded: 4 });
});

test('the head and each part of a stream are passed on at once', async () => {
  let send: (text?: string) => void = () => {};
  const app = await startEagerUpstream((_req, res) => {
    send = (text) => (text === undefined ? res.end() : res.write(text));
    res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
  });
  const h = await awake([app]);
  const req = request({ port: h.port, headers: { host: 'web' }, agent: false }).end();
  const [res] = (await once(req, 'response')) as [IncomingMessage];
  for (const part of ['one', 'two']) {
    send(part);
    expect(String((await once(res, 'data'))[0])).toBe(part);
  }
  send();
  await once(res, 'end');
  await h.end({ forwarded: 1 });
});

test('100 Continue is sent once the endpoint says so, not before', async () => {
  const app = await startUpstream((_req, res, body) => res.end(body));
  const h = await startHarness();
  h.scaler.set({ name: 'web' });
  const headers = { host: 'web', expect: '100-continue', 'content-length': 3 };
  const req = request({ port: h.port, method: 'POST', headers, agent: false });
  let continued = false;
  req.on('continue', () => {
    continued = true;
    req.end('abc');
  });
  req.flushHeaders();
  const call = await h.scaler.call(0);
  expect(continued).toBe(false);
  h.scaler.endpoints('web', [app.endpoint]);
  call.ok();
  const [res] = (await once(req, 'response')) as [IncomingMessage];
  expect([continued, res.statusCode]).toEqual([true, 200]);
  expect(app.heads[0]?.headers.expect).toBe('100-continue');
  res.resume();
  await h.end({ forwarded: 1 });
});

test('an endpoint that refuses is left out, and the body goes whole to another', async () => {
  const app = await startUpstream((_req, res, body) => res.end(body));
  const refusing = { endpoint: refusingEndpoint() };
  const h = await awake([refusing, app, refusing]);
  for (let i = 0; i < 4; i++) expect((await h.send({ method: 'POST', body: `body ${i}` })).body).toBe(`body ${i}`);
  expect(app.seen).toHaveLength(4);
  await h.end({ forwarded: 4 });
});

test('when the only endpoint refuses the request goes back to waiting, and is served once it does not', async () => {
  const refusing = refusingEndpoint();
  const h = await awake([{ endpoint: refusing }]);
  const answer = h.send({ method: 'POST', body: 'kept' });
  await h.until(() => h.held() === 1);
  const app = await startUpstream((_req, res, body) => res.end(body));
  h.scaler.endpoints('web', [app.endpoint]);
  expect((await answer).body).toBe('kept');
  await h.end({ forwarded: 1 });
});

test('when no endpoint takes a connection until the hold limit, the answer says why', async () => {
  const scaler = new ScriptedScaler({ auto: true });
  const h = await awake(
    [{ endpoint: refusingEndpoint() }],
    await startHarness({ scaler, settings: { holdTimeoutMs: 200 } }),
  );
  const { status, problem } = await h.send();
  expect([status, problem.code]).toEqual([502, 'upstream-connect']);
  expect(problem.detail).toContain('ECONNREFUSED');
  await h.end({ 'upstream-connect': 1 });
});

test.each([
  ['GET', '', 200, 'forwarded'],
  ['POST', 'x', 502, 'upstream-reset'],
  ['PUT', 'x', 502, 'upstream-reset'],
] as const)(
  'a %s to an endpoint that resets without an answer: sent once more only if that is safe',
  async (method, body, status, outcome) => {
    const app = await startUpstream();
    const broken = await startTcp((socket) => socket.once('data', () => socket.resetAndDestroy()));
    const h = await awake([broken]);
    await h.send({ path: '/first', method: 'POST' });
    h.scaler.endpoints('web', [broken.endpoint, app.endpoint]);
    await new Promise((resolve) => setTimeout(resolve, 60));
    const statuses = [await h.send({ method, body }), await h.send({ method, body })].map((answer) => answer.status);
    expect(statuses.sort()).toEqual([200, status]);
    expect(app.seen.length).toBe(status === 200 ? 2 : 1);
    await h.end({ 'upstream-reset': outcome === 'forwarded' ? 1 : 2, forwarded: outcome === 'forwarded' ? 2 : 1 });
  },
);

test('an upstream that breaks off in the middle of its answer ends in a reset, never in a clean end', async () => {
  const broken = await startTcp((socket) =>
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n');
      setImmediate(() => socket.destroy());
    }),
  );
  const h = await awake([broken]);
  await expect(h.send()).rejects.toThrow(/aborted|ECONNRESET|hang up/);
  await h.end({ 'upstream-reset': 1 });
});

test('an upstream that does not begin its answer in time is given up', async () => {
  const slow = await startEagerUpstream(() => {});
  const scaler = new ScriptedScaler({ auto: true });
  const h = await awake([slow], await startHarness({ scaler, settings: { responseTimeoutMs: 100 } }));
  const { status, problem } = await h.send();
  expect([status, problem.code]).toEqual([504, 'upstream-timeout']);
  await h.end({ 'upstream-timeout': 1 });
});

test('a client that leaves in flight aborts the upstream', async () => {
  let aborted = false;
  let arrived = false;
  const app = await startEagerUpstream((req) => {
    arrived = true;
    req.on('close', () => (aborted = true));
  });
  const h = await awake([app]);
  const socket = await h.raw('GET / HTTP/1.1\r\nhost: web\r\n\r\n');
  await h.until(() => arrived);
  socket.destroy();
  await h.until(() => aborted);
  await h.end({ 'client-gone': 1 });
});

test('a reader that stalls stops the upstream, and gets everything once it reads', async () => {
  const size = 32 * 1024 * 1024;
  let written = 0;
  const app = await startEagerUpstream((_req, res) => {
    res.writeHead(200, { 'content-length': size });
    const chunk = Buffer.alloc(65_536, 1);
    const more = (): void => {
      while (written < size) {
        written += chunk.length;
        if (!res.write(chunk)) return void res.once('drain', more);
      }
      res.end();
    };
    more();
  });
  const h = await awake([app]);
  const req = request({ port: h.port, headers: { host: 'web' }, agent: false }).end();
  const [res] = (await once(req, 'response')) as [IncomingMessage];
  let before = -1;
  while (before !== written) {
    before = written;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(written).toBeLessThan(size);
  let received = 0;
  for await (const chunk of res) received += (chunk as Buffer).length;
  expect(received).toBe(size);
  await h.end({ forwarded: 1 });
});

test('connections to an endpoint are used again', async () => {
  const ports = new Set<number | undefined>();
  const app = await startUpstream((req, res) => {
    ports.add(req.socket.remotePort);
    res.end('ok');
  });
  const h = await awake([app]);
  for (let i = 0; i < 10; i++) await h.send();
  expect(ports.size).toBe(1);
  await h.end({ forwarded: 10 });
});

test('while awake the answers on a target’s own port end the connection, on the shared port they do not', async () => {
  const app = await startUpstream();
  const h = await awake([app]);
  const agent = new Agent({ keepAlive: true });
  const shared = await send({ port: h.port, headers: { host: 'web' }, agent });
  expect(shared.headers.connection).toBe('keep-alive');
  const listenPort = await freePort();
  const targets = [{ service: 'web', port: 80, listenPort }];
  h.scaler.set({ name: 'web', phase: 'awake', targets });
  await h.until(() => h.dlx.listeners.isListening(listenPort));
  expect((await send({ port: listenPort, agent })).headers.connection).toBe('close');
  h.scaler.set({ name: 'web', phase: 'awake', targets, dlxSeesAll: true });
  expect((await send({ port: listenPort, agent })).headers.connection).toBe('keep-alive');
  agent.destroy();
  await h.end({ forwarded: 3 });
});
