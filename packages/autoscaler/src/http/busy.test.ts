import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { startAdminServer } from '@scaler/runtime';
import { type Resource, ScalerError } from '@scaler/scaler-types';
import { createFakeClock, silentLogger } from '@scaler/testing-kit';
import { aResource } from '../testing/facts.ts';
import { busyRoutes, type BusyParts } from './busy.ts';

let close: () => Promise<void>;
afterEach(() => close());

async function serve(scaler: BusyParts['scaler'], resource: Resource = aResource(), tokenFile?: string) {
  const clock = createFakeClock();
  const view = { get: ({ name }: { name: string }) => (name === resource.name ? resource : undefined) };
  const register = busyRoutes({ scaler, view, clock, limitMs: 3_600_000 });
  const server = await startAdminServer({
    port: 0,
    logger: silentLogger,
    register,
    tokenFile,
  });
  ({ close } = server);
  const ask = async (method: string, path: string) => {
    const answer = await fetch(`http://127.0.0.1:${server.address.port}/busy/${path}`, { method });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };
  return { ask, clock };
}

test('a lease is kept by the scaler, up to its time, and taken away again', async () => {
  const kept: (string | undefined)[] = [];
  const { ask, clock } = await serve({ setBusy: async (_ref, until) => (kept.push(until), until) });
  const until = new Date(clock.now() + 600_000).toISOString();
  expect(await ask('PUT', 'default/web?ttl=10m')).toEqual({
    status: 200,
    body: { namespace: 'default', name: 'web', busyUntil: until },
  });
  expect(await ask('DELETE', 'default/web')).toMatchObject({ status: 200, body: { busyUntil: null } });
  expect(kept).toEqual([until, undefined]);
});

test('a longer lease that is there already is answered as it is', async () => {
  const longer = '2030-01-01T00:00:00.000Z';
  const { ask } = await serve({ setBusy: () => Promise.resolve(longer) });
  expect(await ask('PUT', 'default/web?ttl=10m')).toMatchObject({ body: { busyUntil: longer } });
});

test('GET answers whether it is busy: a lease in the past is none', async () => {
  const busyUntil = '2020-01-01T00:00:00.000Z';
  const { ask } = await serve({}, aResource({ busyUntil }));
  expect(await ask('GET', 'default/web')).toEqual({
    status: 200,
    body: { namespace: 'default', name: 'web', busyUntil, busy: false },
  });
});

test.each([
  ['PUT', 'default/web', 400, 'invalid-ttl'],
  ['PUT', 'default/web?ttl=soon', 400, 'invalid-ttl'],
  ['PUT', 'default/web?ttl=0', 400, 'invalid-ttl'],
  ['PUT', 'default/web?ttl=61m', 400, 'invalid-ttl'],
  ['PUT', 'default/web?ttl=1m&ttl=2m', 400, 'invalid-ttl'],
  ['PUT', 'default/other?ttl=1m', 404, 'unknown-resource'],
  ['PUT', 'default/web?ttl=1m', 404, 'unknown-resource'],
  ['DELETE', 'default/other', 404, 'unknown-resource'],
  ['GET', 'default/other', 404, 'unknown-resource'],
])('%s %s is refused with %i %s', async (method, path, status, code) => {
  const gone = () => Promise.reject(new ScalerError('unknown-resource', 'it was deleted'));
  const { ask } = await serve({ setBusy: gone });
  expect(await ask(method, path)).toMatchObject({ status, body: { code } });
});

test('no lease is given or shown without the token, where the admin server demands one', async () => {
  const kept: unknown[] = [];
  const tokenFile = join(mkdtempSync(join(tmpdir(), 'busy-')), 'token');
  writeFileSync(tokenFile, 'secret');
  const { ask } = await serve({ setBusy: async (_ref, until) => (kept.push(until), until) }, aResource(), tokenFile);
  for (const method of ['PUT', 'GET', 'DELETE']) {
    expect(await ask(method, 'default/web?ttl=1m')).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
  }
  expect(kept).toEqual([]);
});

test('a scaler without leases is a 501, and a scaler that fails an error of the server', async () => {
  const without = await serve({});
  expect(await without.ask('PUT', 'default/web?ttl=1m')).toMatchObject({
    status: 501,
    body: { code: 'not-supported' },
  });
  await close();
  const failing = await serve({ setBusy: () => Promise.reject(new Error('the API is gone')) });
  expect(await failing.ask('PUT', 'default/web?ttl=1m')).toMatchObject({ status: 500 });
});
