// What the autoscaler asks: on the control port, with the token; and an autoscaler of before it, which knows neither.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import {
  createChecks,
  createMetrics,
  createTokenFile,
  type InfraServer,
  movedRoutes,
  startControlServer,
  startInfraServer,
} from '@scaler/runtime';
import { type Clock, systemClock } from '@scaler/scaler-types';
import { createFakeClock, silentLogger } from '@scaler/testing-kit';
import { peerRoutes } from './peer.ts';
import { type Harness, startHarness } from '../testing/harness.ts';
import { startUpstream } from '../testing/upstream.ts';

const servers: InfraServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

const resource = { namespace: 'default', name: 'web' };

interface Asked {
  readonly status: number;
  readonly body: Record<string, unknown>;
}
type Ask = (path: string, body?: object, token?: string) => Promise<Asked>;

function asks({ address }: InfraServer): Ask {
  return async (path, body, token) => {
    const reply = await fetch(`http://127.0.0.1:${address.port}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      ...(body !== undefined && { body: JSON.stringify(body) }),
      headers: { 'content-type': 'application/json', ...(token !== undefined && { authorization: `Bearer ${token}` }) },
    });
    return { status: reply.status, body: (await reply.json()) as Record<string, unknown> };
  };
}

/** Both servers of a DLX, as its app starts them; without a token the first alone. */
async function serve(h: Harness, token?: string, clock: Clock = systemClock): Promise<{ infra: Ask; control: Ask }> {
  const place = { host: '127.0.0.1', port: 0, logger: silentLogger, clock };
  const routes = peerRoutes(h.dlx, { bounded: token === undefined });
  const metrics = createMetrics();
  const common = { ...place, readiness: createChecks(), metrics };
  const infra = await startInfraServer({ ...common, routes: token === undefined ? routes : movedRoutes(routes) });
  servers.push(infra);
  if (token === undefined) return { infra: asks(infra), control: asks(infra) };
  const file = join(mkdtempSync(join(tmpdir(), 'control-')), 'token');
  writeFileSync(file, token);
  const control = await startControlServer({
    ...place,
    tokens: createTokenFile({ file, clock, logger: silentLogger }),
    routes,
    metrics,
  });
  servers.push(control);
  return { infra: asks(infra), control: asks(control) };
}

async function awake(clock?: Clock): Promise<Harness> {
  const app = await startUpstream();
  const h = await startHarness(clock === undefined ? {} : { clock });
  h.scaler.endpoints('web', [app.endpoint]);
  h.scaler.set({ name: 'web', phase: 'awake' });
  return h;
}

const fenceOf = (h: Harness): string | undefined => h.dlx.resources.gates.get('default/web')?.fence;

test('an autoscaler of before asks without a token: it parks nothing, and no request waits for its fences', async () => {
  const h = await awake();
  const { infra, control } = await serve(h, 'secret');
  // Byte for byte what 0.1 asks; of a status that is not 200 it makes: not clear, not ready, activity unknown.
  expect((await infra('/fence', { resource, epoch: 'e1' })).status).toBe(401);
  expect((await infra('/preflight', { resource })).status).toBe(401);
  expect(await infra('/activity')).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
  expect(JSON.stringify(await infra('/activity'))).not.toContain('web');
  expect(fenceOf(h)).toBeUndefined();
  expect((await h.send()).status).toBe(200);
  expect(h.scaler.calls).toHaveLength(0);
  // The new one, at the same time.
  expect(await control('/fence', { resource, epoch: 'e2' }, 'secret')).toMatchObject({
    status: 200,
    body: { replica: 'dlx-1', epoch: 'e2', clear: true, held: 0, inFlight: 0 },
  });
  expect(fenceOf(h)).toBe('e2');
  await h.end({ forwarded: 1 });
});

test('without a token in either, a DLX of this version answers an autoscaler of before as it did', async () => {
  const h = await awake();
  const { infra } = await serve(h);
  expect(await infra('/fence', { resource, epoch: 'e1' })).toEqual({
    status: 200,
    body: { replica: 'dlx-1', epoch: 'e1', clear: true, held: 0, inFlight: 0 },
  });
  expect(await infra('/preflight', { resource })).toEqual({
    status: 200,
    body: { replica: 'dlx-1', ok: true, reasons: [] },
  });
  const { body } = await infra('/activity');
  expect(Object.keys(body)).toEqual(['replica', 'startedAt', 'now', 'draining', 'resources']);
  await h.end({});
});

test('a thousand equal fences raise one, and one that a wake has lifted is not clear, nor raised again', async () => {
  const clock = createFakeClock();
  const h = await awake(clock);
  const { control } = await serve(h, 'secret', clock);
  const fence = (): Promise<Asked> => control('/fence', { resource, epoch: 'e1' }, 'secret');
  for (let i = 0; i < 20; i++) expect((await fence()).body).toMatchObject({ clear: true });
  const gate = h.dlx.resources.gates.get('default/web');
  expect(gate?.fenceSeq).toBe(1);
  const answer = h.send();
  (await h.scaler.call(0)).ok();
  expect((await answer).status).toBe(200);
  expect((await fence()).body).toEqual({
    ...{ replica: 'dlx-1', epoch: 'e1', clear: false, held: 0, inFlight: 0 },
    reason: 'a wake has lifted this fence',
  });
  expect((await h.send()).status).toBe(200);
  expect(h.scaler.calls).toHaveLength(1);
  await clock.advance(1_000);
  expect((await fence()).body).toMatchObject({ clear: true });
  await h.end({ forwarded: 2 });
});

test('a fence that is shared is not clear once something is held behind it, or a wake is under way', async () => {
  const h = await awake();
  const { control } = await serve(h, 'secret');
  const fence = (): Promise<Asked> => control('/fence', { resource, epoch: 'e1' }, 'secret');
  expect((await fence()).body).toMatchObject({ clear: true });
  const socket = await h.raw('GET / HTTP/1.1\r\nhost: web\r\n\r\n');
  const call = await h.scaler.call(0);
  expect((await fence()).body).toMatchObject({ clear: false, held: 1 });
  socket.destroy();
  await h.until(() => h.held() === 0);
  expect((await fence()).body).toMatchObject({ clear: false, reason: 'a wake is under way' });
  call.ok();
  await h.end({ 'client-gone': 1 });
});

test('where any client may ask, fences of ever new epochs shut a resource once a second; the autoscaler with a token is not refused', async () => {
  const clock = createFakeClock();
  for (const token of [undefined, 'secret']) {
    const h = await awake(clock);
    const { control } = await serve(h, token, clock);
    const answers = [];
    for (let i = 0; i < 50; i++) answers.push((await control('/fence', { resource, epoch: `e${i}` }, token)).body);
    const raised = answers.filter(({ clear }) => clear === true);
    expect(raised).toHaveLength(token === undefined ? 5 : 50);
    if (token === undefined)
      expect(answers[49]).toMatchObject({ reason: 'it is fenced too often: more than once a second' });
    await h.end({});
  }
});

test('equal preflights at once and within a second ask the endpoint once; the next second asks again', async () => {
  const clock = createFakeClock();
  const h = await startHarness({ clock });
  let checks = 0;
  const check = async (): Promise<void> => {
    checks += 1;
    throw new Error('refused');
  };
  h.scaler.endpoints('web', [{ id: 'a', address: '127.0.0.1', port: 1, check }]);
  h.scaler.set({ name: 'web', phase: 'awake' });
  const { control } = await serve(h, 'secret', clock);
  const ask = async () => (await control('/preflight', { resource }, 'secret')).body;
  const answers = await Promise.all(Array.from({ length: 20 }, ask));
  expect(new Set(answers.map((body) => JSON.stringify(body))).size).toBe(1);
  expect(answers[0]).toMatchObject({ ok: false });
  expect(checks).toBe(1);
  await clock.advance(1_000);
  await ask();
  expect(checks).toBe(2);
  await h.end({});
});

test('activity is shared within a second, but never past a fence: what came before the fence shows behind it', async () => {
  const clock = createFakeClock();
  const h = await awake(clock);
  const { control } = await serve(h, 'secret', clock);
  const resources = async () => (await control('/activity', undefined, 'secret')).body['resources'] as object;
  expect(await resources()).toEqual({});
  expect((await h.send()).status).toBe(200);
  expect(await resources()).toEqual({});
  await control('/fence', { resource, epoch: 'e1' }, 'secret');
  expect(Object.keys(await resources())).toEqual(['default/web']);
  await h.end({ forwarded: 1 });
});

test('whether it comes to another replica is answered on the control port alone: any client may ask the other one', async () => {
  const h = await awake();
  const { infra, control } = await serve(h, 'secret');
  const other = servers[0]?.address.port;
  const reach = (address: string, port: unknown) => control('/reach', { address, port }, 'secret');
  expect(await reach('127.0.0.1', other)).toEqual({ status: 200, body: { replica: 'dlx-1', reached: true } });
  expect(await reach('127.0.0.1', 1)).toEqual({ status: 200, body: { replica: 'dlx-1', reached: false } });
  for (const [address, port] of [
    ['localhost', other],
    ['127.0.0.1', 'x'],
    ['', other],
  ] as const)
    expect(await reach(address, port)).toMatchObject({ status: 400, body: { code: 'bad-request' } });
  expect((await infra('/reach', { address: '127.0.0.1', port: other })).status).toBe(401);
  const bare = await serve(h);
  expect((await bare.infra('/reach', { address: '127.0.0.1', port: other })).status).toBe(404);
  await h.end({});
});
