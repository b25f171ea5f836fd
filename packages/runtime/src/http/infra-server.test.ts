import { connect } from 'node:net';
import { once } from 'node:events';
import { afterEach, expect, test } from '@jest/globals';
import { createMetrics } from '../metrics/metrics.ts';
import { createLogSink } from '../testing/log-sink.ts';
import { createChecks } from './checks.ts';
import { startInfraServer } from './infra-server.ts';
import type { InfraRoute, InfraServer } from './route-server.ts';

const started: InfraServer[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.close()));
});

async function start(routes: InfraRoute[] = []) {
  const sink = createLogSink();
  const metrics = createMetrics();
  const readiness = createChecks('watch', 'listener');
  const options = { host: '127.0.0.1', port: 0, readiness, metrics, routes, logger: sink.logger };
  const server = await startInfraServer(options);
  started.push(server);
  const url = `http://127.0.0.1:${server.address.port}`;
  return { server, url, readiness, metrics, sink, options };
}

test('readyz lists each check with its reason, and is 200 only when all are ok', async () => {
  const { url, readiness } = await start();
  readiness.set('listener', true);
  readiness.set('watch', false, 'not synced');
  const before = await fetch(`${url}/readyz`);
  expect(before.status).toBe(503);
  expect(await before.json()).toEqual({
    ok: false,
    checks: [
      { name: 'watch', ok: false, reason: 'not synced' },
      { name: 'listener', ok: true, reason: '' },
    ],
  });
  readiness.set('watch', true);
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
});

test('a check that was never set is not ok', async () => {
  expect(createChecks('a').list()).toEqual([{ name: 'a', ok: false, reason: 'starting' }]);
});

test('healthz is 200 while it answers, HEAD included, and metrics are the registry', async () => {
  const { url, metrics } = await start();
  metrics.counter({ name: 'x_total', help: 'x' }).bind({}).inc();
  const head = await fetch(`${url}/healthz`, { method: 'HEAD' });
  expect([head.status, await head.text()]).toEqual([200, '']);
  expect(await (await fetch(`${url}/healthz`)).json()).toEqual({ ok: true, checks: [] });
  const scrape = await fetch(`${url}/metrics`);
  expect(scrape.headers.get('content-type')).toContain('text/plain');
  expect(await scrape.text()).toContain('scaler_x_total 1');
});

test('a route gets query and JSON body, and answers JSON with its status', async () => {
  const { url } = await start([
    {
      method: 'POST',
      path: '/fence',
      handle: ({ body, query }) => ({ status: 202, body: { body, q: query.get('q') } }),
    },
  ]);
  const reply = await fetch(`${url}/fence?q=1`, { method: 'POST', body: '{"epoch":"e"}' });
  expect([reply.status, await reply.json()]).toEqual([202, { body: { epoch: 'e' }, q: '1' }]);
});

test.each([
  ['GET', '/nowhere', undefined, 404, 'not-found'],
  ['GET', '/fence', undefined, 405, 'method-not-allowed'],
  ['POST', '/fence', '{', 400, 'bad-json'],
  ['POST', '/fence', 'x'.repeat(2 * 1024 * 1024), 413, 'too-large'],
  ['POST', '/broken', '{}', 500, 'internal'],
])('%s %s with a wrong request is a problem', async (method, path, body, status, code) => {
  const { url, sink } = await start([
    { method: 'POST', path: '/fence', handle: () => ({ body: {} }) },
    { method: 'POST', path: '/broken', handle: () => Promise.reject(new Error('boom')) },
  ]);
  const reply = await fetch(url + path, { method, ...(body !== undefined && { body }) });
  expect(reply.status).toBe(status);
  expect(reply.headers.get('content-type')).toBe('application/problem+json');
  expect(await reply.json()).toMatchObject({ status, code });
  expect(sink.lines()).toHaveLength(status === 500 ? 1 : 0);
});

test('a body that is too large is answered while its sender still sends', async () => {
  const { server } = await start([{ method: 'POST', path: '/fence', handle: () => ({ body: {} }) }]);
  const socket = connect(server.address.port, '127.0.0.1');
  socket.write('POST /fence HTTP/1.1\r\nhost: x\r\ncontent-length: 9000000\r\n\r\n');
  socket.write(Buffer.alloc(1024 * 1024 + 1));
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  expect(chunk.toString()).toMatch(/^HTTP\/1\.1 413 [^]*connection: close/i);
});

test('the signal of a route aborts when the asker is gone', async () => {
  const aborted = new Promise<void>((resolve) => {
    void start([
      {
        method: 'GET',
        path: '/slow',
        handle: async ({ signal }) => {
          socket.destroy();
          if (!signal.aborted) await once(signal, 'abort');
          resolve();
          return { body: {} };
        },
      },
    ]).then(({ server }) => {
      socket = connect(server.address.port, '127.0.0.1', () => socket.write('GET /slow HTTP/1.1\r\nhost: x\r\n\r\n'));
    });
  });
  let socket: ReturnType<typeof connect>;
  await aborted;
});

test('many requests on one kept-alive connection leave nothing behind on its socket', async () => {
  const signals: AbortSignal[] = [];
  const { server } = await start([
    {
      method: 'GET',
      path: '/activity',
      handle: ({ signal }) => {
        signals.push(signal);
        return { body: { gone: signal.aborted } };
      },
    },
  ]);
  const socket = connect(server.address.port, '127.0.0.1');
  for (let i = 0; i < 15; i++) {
    socket.write('GET /activity HTTP/1.1\r\nhost: x\r\n\r\n');
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    expect(chunk.toString()).toContain('{"gone":false}');
  }
  socket.destroy();
  // Bound to the answer, not to the socket, which would gather a listener with each request.
  expect(signals.slice(0, -1).map(({ aborted }) => aborted)).toEqual(Array(14).fill(true));
});

test('close is idempotent, and does not wait for connections that only idle', async () => {
  const { server, url } = await start();
  await (await fetch(`${url}/healthz`)).text();
  await Promise.all([server.close(), server.close()]);
  await expect(fetch(`${url}/healthz`)).rejects.toThrow();
});

test('a port in use is an error with server, address and cause', async () => {
  const { server, options } = await start();
  const { port } = server.address;
  await expect(startInfraServer({ ...options, metrics: createMetrics(), port })).rejects.toMatchObject({
    code: 'listen-failed',
    message: `the infrastructure server cannot listen on 127.0.0.1:${port}: EADDRINUSE`,
  });
});
