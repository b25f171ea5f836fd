import { createServer } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '@scaler/scaler-types';
import { silentLogger } from '@scaler/testing-kit';
import { jsonPatch, kinds } from '../index.ts';
import {
  type Script,
  type ScriptedApi,
  sendJson,
  sendStatus,
  startScriptedApi,
  until,
} from '../testing/scripted-api.ts';
import { createKubeClient } from './connect.ts';

let api: ScriptedApi;
afterEach(() => api.close());

async function clientOf(script: Script, options: Parameters<typeof startScriptedApi>[1] = {}) {
  api = await startScriptedApi(script, options);
  return api.client;
}

const ref = { namespace: 'shop', name: 'web' };
const patch = [jsonPatch.test('/metadata/uid', 'u'), jsonPatch.add('/spec/replicas', 1)];

describe('a read', () => {
  test('is tried again after a broken connection and a 503', async () => {
    const client = await clientOf((_request, response) => {
      if (api.requests.length === 1) response.socket?.destroy();
      else if (api.requests.length === 2) sendStatus(response, 503, 'ServiceUnavailable', 'starting');
      else sendJson(response, 200, { metadata: { name: 'web' } });
    });
    await expect(client.get(kinds.pod, ref)).resolves.toMatchObject({ metadata: { name: 'web' } });
    expect(api.requests).toHaveLength(3);
  });

  test('gives up after a few attempts, with what the API said', async () => {
    const client = await clientOf((_request, response) => sendStatus(response, 500, 'InternalError', 'etcd is gone'));
    await expect(client.get(kinds.pod, ref)).rejects.toMatchObject({
      code: 'unavailable',
      status: 500,
      reason: 'InternalError',
      message: 'GET /api/v1/namespaces/shop/pods/web answered 500: etcd is gone',
    });
    expect(api.requests).toHaveLength(5);
  });

  test('waits as long as Retry-After says, and not at all when that is beyond its limit', async () => {
    const client = await clientOf((_request, response) =>
      sendStatus(response, 429, 'TooManyRequests', 'slow down', {}, { 'Retry-After': '5' }),
    );
    await expect(client.get(kinds.pod, ref, { timeoutMs: 2_000 })).rejects.toMatchObject({
      code: 'too-many-requests',
      retryAfterMs: 5_000,
    });
    expect(api.requests).toHaveLength(1);
  });

  test('that hangs on a dead socket leaves time for another attempt', async () => {
    const client = await clientOf((_request, response) => {
      if (api.requests.length > 1) sendJson(response, 200, { metadata: {} });
    });
    await expect(client.get(kinds.pod, ref, { timeoutMs: 800 })).resolves.toEqual({ metadata: {} });
    expect(api.requests.map(({ connection }) => connection)).toEqual([1, 2]);
  });

  test('cut by its limit names the answer of the API before', async () => {
    const client = await clientOf((_request, response) => {
      if (api.requests.length === 1) sendStatus(response, 503, 'ServiceUnavailable', 'etcd is gone');
    });
    await expect(client.get(kinds.pod, ref, { timeoutMs: 800 })).rejects.toMatchObject({
      code: 'timeout',
      message: expect.stringMatching(/took longer than \d+ ms; before that: GET .* answered 503: etcd is gone$/),
    });
  });

  test('ends with timeout, and with aborted when the caller gives up', async () => {
    const client = await clientOf(() => undefined);
    await expect(client.get(kinds.pod, ref, { timeoutMs: 60 })).rejects.toMatchObject({ code: 'timeout' });
    const stop = new AbortController();
    const call = client.get(kinds.pod, ref, { signal: stop.signal });
    await until(() => api.requests.length === 2);
    stop.abort();
    await expect(call).rejects.toMatchObject({ code: 'aborted' });
  });

  test('of something that is not JSON is a bad answer', async () => {
    const client = await clientOf((_request, response) => void response.writeHead(200).end('<html>'));
    await expect(client.get(kinds.pod, ref)).rejects.toMatchObject({ code: 'bad-answer', status: 200 });
  });
});

describe('a write', () => {
  test('is not sent where its time was over while the process stood still', async () => {
    const client = await clientOf((_request, response) => sendJson(response, 200, { metadata: { name: 'web' } }));
    const over = new AbortController();
    setTimeout(() => over.abort(), 20);
    await client.get(kinds.deployment, ref);
    // Suspended, and the answer above is what it wakes up to: no timer has run yet.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    await expect(client.patch(kinds.deployment, ref, patch, { signal: over.signal })).rejects.toMatchObject({
      code: 'aborted',
    });
    expect(api.requests.map(({ method }) => method)).toEqual(['GET']);
  });

  test.each([
    ['its answer is lost', (_: unknown, response) => void response.socket?.destroy()],
    [
      'its answer breaks off',
      (_: unknown, response) =>
        void response.writeHead(200, { 'Content-Length': '9' }).write('{', () => response.socket?.destroy()),
    ],
    ['etcd times out', (_: unknown, response) => sendStatus(response, 504, 'Timeout', 'request did not complete')],
    ['a proxy answers', (_: unknown, response) => void response.writeHead(503).end('upstream reset')],
    ['no answer comes in time', () => undefined],
  ] as [string, Script][])('is not repeated when %s: its outcome is unknown', async (_name, script) => {
    const client = await clientOf(script);
    await expect(client.patch(kinds.deployment, ref, patch, { timeoutMs: 300 })).rejects.toMatchObject({
      code: 'write-outcome-unknown',
    });
    expect(api.requests).toHaveLength(1);
  });

  test('answered by another protocol may have been done, and is not waited for', async () => {
    const client = await clientOf((_request, response) => {
      response.socket?.write('HTTP/1.1 101 So\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n');
    });
    await expect(client.patch(kinds.deployment, ref, patch)).rejects.toMatchObject({ code: 'write-outcome-unknown' });
  });

  test('is repeated after 429, because nothing was done', async () => {
    const client = await clientOf((_request, response) => {
      if (api.requests.length === 1)
        sendStatus(response, 429, 'TooManyRequests', 'slow down', { retryAfterSeconds: 0 });
      else sendJson(response, 200, { metadata: {} });
    });
    await client.patch(kinds.deployment, ref, patch);
    expect(api.requests).toHaveLength(2);
  });

  test('that never had a connection was surely not done', async () => {
    const client = await clientOf(() => undefined);
    const unused = createServer().listen(0, '127.0.0.1');
    await until(() => unused.listening);
    const { port } = unused.address() as { port: number };
    await new Promise((resolve) => unused.close(resolve));
    const server = new URL(`http://127.0.0.1:${port}`);
    const other = createKubeClient(
      { ...api.cluster, server },
      { userAgent: 't', logger: silentLogger, clock: systemClock },
    );
    await expect(other.patch(kinds.deployment, ref, patch)).rejects.toMatchObject({ code: 'connection' });
    other.close();
    expect(client).toBeDefined();
  });

  test.each([
    [404, 'NotFound', {}, 'not-found'],
    [409, 'Conflict', {}, 'conflict'],
    [409, 'AlreadyExists', {}, 'already-exists'],
    [422, 'Invalid', {}, 'test-failed'],
    [422, 'Invalid', { causes: [{ field: 'spec.replicas', message: 'must not be negative' }] }, 'invalid'],
    [403, 'Forbidden', {}, 'forbidden'],
    [410, 'Expired', {}, 'gone'],
    [400, 'BadRequest', {}, 'invalid'],
    [503, 'ServiceUnavailable', {}, 'unavailable'],
  ] as const)('answered %i %s %j has the code %s', async (status, reason, details, code) => {
    const client = await clientOf((_request, response) => sendStatus(response, status, reason, 'no', details));
    await expect(client.patch(kinds.deployment, ref, patch)).rejects.toMatchObject({ code, status, reason });
    expect(api.requests).toHaveLength(1);
  });

  test('without a test in it never fails a test', async () => {
    const client = await clientOf((_request, response) => sendStatus(response, 422, 'Invalid', 'no'));
    await expect(client.patch(kinds.deployment, ref, [jsonPatch.remove('/spec/paused')])).rejects.toMatchObject({
      code: 'invalid',
    });
  });
});

describe('lanes', () => {
  test('let a wake pass while bulk and normal calls hang and queue', async () => {
    const client = await clientOf(
      ({ path }, response) => {
        if (path.endsWith('/wake')) sendJson(response, 200, { metadata: {} });
      },
      { lanes: { normal: { concurrency: 2 }, bulk: { concurrency: 2 } } },
    );
    const stop = new AbortController();
    const stuck = Array.from({ length: 20 }, (_, i) =>
      client.get(
        kinds.pod,
        { namespace: 'shop', name: `n${i}` },
        { lane: i % 2 ? 'bulk' : 'normal', signal: stop.signal },
      ),
    );
    await until(() => api.requests.length === 4);
    await client.get(kinds.pod, { namespace: 'shop', name: 'wake' }, { lane: 'wake' });
    expect(api.requests).toHaveLength(5);
    stop.abort();
    const results = await Promise.allSettled(stuck);
    expect(results.every((r) => r.status === 'rejected' && (r.reason as { code: string }).code === 'aborted')).toBe(
      true,
    );
  });

  test('hold calls back beyond their rate', async () => {
    const client = await clientOf((_request, response) => sendJson(response, 200, { metadata: {} }), {
      lanes: { normal: { concurrency: 10, qps: 20, burst: 2 } },
    });
    const startMs = performance.now();
    await Promise.all(Array.from({ length: 6 }, () => client.get(kinds.pod, ref)));
    // Two at once, four more at 20 a second.
    expect(performance.now() - startMs).toBeGreaterThan(180);
  });

  test('use their open connections again', async () => {
    const client = await clientOf((_request, response) => sendJson(response, 200, { metadata: {} }));
    for (let i = 0; i < 5; i++) await client.get(kinds.pod, ref, { lane: 'wake' });
    expect(new Set(api.requests.map(({ connection }) => connection)).size).toBe(1);
  });

  test('that are kept warm have connections open before the first wake', async () => {
    const client = await clientOf((_request, response) => sendJson(response, 200, {}));
    const stop = new AbortController();
    const warm = client.warm(stop.signal);
    await until(() => api.requests.length === 2);
    // Another lane's round trip, so that the answers of those two have arrived.
    await client.get(kinds.pod, ref);
    await client.patch(kinds.deployment, ref, patch, { lane: 'wake' });
    stop.abort();
    await warm;
    expect(api.requests.map(({ connection }) => connection).slice(0, 3)).toEqual([1, 2, 3]);
    expect(api.requests[3]?.connection).toBeLessThan(3);
  });
});

test('refused credentials are read again once, also for a write', async () => {
  let token = 'old';
  api = await startScriptedApi((request, response) => {
    if (request.headers.authorization === 'Bearer new') sendJson(response, 200, { metadata: {} });
    else sendStatus(response, 401, 'Unauthorized', 'no');
  });
  const cluster = {
    ...api.cluster,
    credentials: () => Promise.resolve({ headers: { Authorization: `Bearer ${token}` }, tls: {}, proxy: undefined }),
    forgetCredentials: () => void (token = 'new'),
  };
  const client = createKubeClient(cluster, { userAgent: 't', logger: silentLogger, clock: systemClock });
  await client.patch(kinds.deployment, ref, patch);
  token = 'wrong';
  cluster.forgetCredentials = () => undefined;
  await expect(client.get(kinds.pod, ref)).rejects.toMatchObject({ code: 'unauthorized' });
  client.close();
  expect(api.requests).toHaveLength(3);
});
