import { mkdtempSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { createLogSink } from '../testing/log-sink.ts';
import { type AdminServerOptions, startAdminServer } from './admin-server.ts';

const started: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.close()));
});

async function start(options: Partial<AdminServerOptions> = {}) {
  const sink = createLogSink();
  const server = await startAdminServer({
    port: 0,
    logger: sink.logger,
    register(app) {
      app.get('/resources', () => [{ name: 'web' }]);
      app.get('/broken', () => Promise.reject(new Error('boom')));
      app.get('/conflict', () => Promise.reject(Object.assign(new Error('taken'), { statusCode: 409, code: 'taken' })));
    },
    ...options,
  });
  started.push(server);
  return { server, sink, url: `http://127.0.0.1:${server.address.port}` };
}

test('serves the registered routes on loopback', async () => {
  const { url, server } = await start();
  expect(server.address.host).toBe('127.0.0.1');
  expect(await (await fetch(`${url}/resources`)).json()).toEqual([{ name: 'web' }]);
});

test.each([
  ['/nowhere', 404, 'not-found', 'GET /nowhere'],
  ['/conflict', 409, 'taken', 'taken'],
  ['/broken', 500, 'internal', 'boom'],
])('%s is a problem', async (path, status, code, detail) => {
  const { url } = await start();
  const reply = await fetch(`${url}${path}?token=hunter2`);
  expect(reply.headers.get('content-type')).toContain('application/problem+json');
  expect(await reply.json()).toMatchObject({ status, code, detail });
});

test.each(['0.0.0.0', '::', '10.0.0.1', 'example.com'])(
  'refuses to listen on %s without a token file',
  async (host) => {
    await expect(start({ host })).rejects.toMatchObject({ code: 'invalid-config', exitCode: 2 });
  },
);

test('with a token file it listens anywhere, and demands the token, which may be rotated', async () => {
  const tokenFile = join(mkdtempSync(join(tmpdir(), 'runtime-')), 'token');
  writeFileSync(tokenFile, 'first\n');
  const { url } = await start({ host: '0.0.0.0', tokenFile });
  const status = async (authorization?: string): Promise<number> =>
    (await fetch(`${url}/resources`, authorization === undefined ? {} : { headers: { authorization } })).status;
  expect([await status(), await status('Bearer wrong'), await status('first'), await status('Bearer first')]).toEqual([
    401, 401, 401, 200,
  ]);
  writeFileSync(tokenFile, 'second');
  expect([await status('Bearer first'), await status('Bearer second')]).toEqual([401, 200]);
});

test('an empty token lets no request in', async () => {
  const tokenFile = join(mkdtempSync(join(tmpdir(), 'runtime-')), 'token');
  writeFileSync(tokenFile, ' ');
  const { url } = await start({ tokenFile });
  expect((await fetch(`${url}/resources`, { headers: { authorization: 'Bearer ' } })).status).toBe(401);
});

test.each([
  ['evil.example', 421],
  ['localhost', 200],
  ['[::1]', 200],
])('without a token the host %s is answered %d, so that no web page gets in by DNS rebinding', async (host, status) => {
  const { server } = await start();
  const got = await new Promise<number | undefined>((resolve, reject) => {
    const headers = { host: `${host}:${server.address.port}` };
    request({ port: server.address.port, host: '127.0.0.1', path: '/resources', headers, agent: false }, (reply) => {
      reply.resume().once('end', () => resolve(reply.statusCode));
    })
      .once('error', reject)
      .end();
  });
  expect(got).toBe(status);
});

test('a port in use is an error with server, address and cause; close is idempotent', async () => {
  const { server } = await start();
  const { port } = server.address;
  await expect(start({ port })).rejects.toMatchObject({
    code: 'listen-failed',
    message: `the admin server cannot listen on 127.0.0.1:${port}: EADDRINUSE`,
  });
  await Promise.all([server.close(), server.close()]);
});
