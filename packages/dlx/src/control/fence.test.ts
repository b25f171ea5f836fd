import { expect, test } from '@jest/globals';
import type { InfraReply, InfraRequest } from '@scaler/runtime';
import { createFakeClock } from '@scaler/testing-kit';
import { peerRoutes } from './peer.ts';
import { type Harness, startHarness } from '../testing/harness.ts';
import { freePort, refusingEndpoint, startEagerUpstream, startTcp, startUpstream } from '../testing/upstream.ts';

async function ask(h: Harness, path: string, body?: unknown): Promise<Record<string, unknown>> {
  const route = peerRoutes(h.dlx).find((r) => r.path === path);
  const request = { query: new URLSearchParams(), headers: {}, body, signal: new AbortController().signal };
  const reply = (await route?.handle(request as InfraRequest)) as InfraReply;
  return { status: reply.status ?? 200, ...(reply.body as object) };
}

const resource = { namespace: 'default', name: 'web' };
const fence = (h: Harness, epoch = 'e1'): Promise<Record<string, unknown>> => ask(h, '/fence', { resource, epoch });

test('it says on which ports it listens, without a connection to any', async () => {
  const h = await startHarness();
  const listenPort = await freePort();
  h.scaler.set({ name: 'web', targets: [{ service: 'web', port: 80, listenPort }] });
  await h.until(() => h.dlx.listeners.isListening(listenPort));
  const answer = { status: 200, replica: 'dlx-1', listening: [listenPort] };
  expect(await ask(h, '/listening', { ports: [1, listenPort] })).toEqual(answer);
  for (const body of [undefined, {}, { ports: 80 }, { ports: ['80'] }, { ports: Array.from({ length: 257 }, () => 1) }])
    expect(await ask(h, '/listening', body)).toMatchObject({ status: 400 });
  await h.end({});
});

test('after a clear fence an arrival waits for a setScale, however awake the cache says it is', async () => {
  const app = await startUpstream();
  const h = await startHarness();
  h.scaler.endpoints('web', [app.endpoint]);
  h.scaler.set({ name: 'web', phase: 'awake' });
  expect((await h.send()).status).toBe(200);
  expect(await fence(h)).toEqual({ status: 200, replica: 'dlx-1', epoch: 'e1', clear: true, held: 0, inFlight: 0 });
  const answers = [h.send(), h.send()];
  await h.until(() => h.held() === 2);
  h.scaler.set({ name: 'web', phase: 'awake' });
  h.scaler.endpoints('web', [app.endpoint]);
  expect(app.seen).toHaveLength(1);
  (await h.scaler.call(0)).ok();
  await Promise.all(answers);
  expect((await h.send()).status).toBe(200);
  expect(h.scaler.calls).toHaveLength(1);
  await h.end({ forwarded: 4 });
});

test('a fence is not clear while something is held, and bars nothing then', async () => {
  const app = await startUpstream();
  const h = await startHarness();
  h.scaler.endpoints('web', [app.endpoint]);
  h.scaler.set({ name: 'web', phase: 'parking' });
  const answer = h.send();
  const call = await h.scaler.call(0);
  expect(await fence(h)).toMatchObject({ clear: false, held: 1, inFlight: 0, reason: '1 held, 0 in flight' });
  call.ok();
  expect((await answer).status).toBe(200);
  expect((await h.send()).status).toBe(200);
  expect(h.scaler.calls).toHaveLength(1);
  await h.end({ forwarded: 2 });
});

test('a fence is not clear while something is in flight, a quiet request too, until its body is through', async () => {
  let finish = (): void => {};
  const app = await startEagerUpstream((_req, res) => {
    res.writeHead(200).write('part');
    finish = () => res.end();
  });
  const h = await startHarness();
  h.scaler.endpoints('web', [app.endpoint]);
  h.scaler.set({ name: 'web', phase: 'awake' });
  const first = await h.raw('GET / HTTP/1.1\r\nhost: web\r\nuser-agent: kube-probe/1.36\r\n\r\n');
  await new Promise((resolve) => first.once('data', resolve));
  expect(await fence(h)).toMatchObject({ clear: false, held: 0, inFlight: 1 });
  finish();
  await h.until(() => h.dlx.core.accounting.inFlight === 0);
  // The connection is still open, which does not count.
  expect(await fence(h)).toMatchObject({ clear: true });
  await h.end({ forwarded: 1 });
});

test('a wake that began before a fence does not lift it: while one is under way the fence is not clear', async () => {
  const h = await startHarness();
  h.scaler.set({ name: 'web' });
  const socket = await h.raw('GET / HTTP/1.1\r\nhost: web\r\n\r\n');
  const call = await h.scaler.call(0);
  socket.destroy();
  await h.until(() => h.held() === 0);
  expect(await fence(h)).toMatchObject({ clear: false, held: 0, reason: 'a wake is under way' });
  call.ok();
  await h.until(() => h.dlx.resources.gates.get('default/web')?.wake.calling === false);
  expect(await fence(h, 'e2')).toMatchObject({ clear: true, epoch: 'e2' });
  await h.end({ 'client-gone': 1 });
});

test('a fence that was raised again needs a wake of its own', async () => {
  const app = await startUpstream();
  const h = await startHarness();
  h.scaler.endpoints('web', [app.endpoint]);
  h.scaler.set({ name: 'web', phase: 'awake' });
  for (const round of [0, 1]) {
    expect(await fence(h, `e${round}`)).toMatchObject({ clear: true });
    const answer = h.send();
    (await h.scaler.call(round)).ok();
    expect((await answer).status).toBe(200);
  }
  await h.end({ forwarded: 2 });
});

test('neither an unknown resource nor a malformed question is ever clear', async () => {
  const h = await startHarness();
  expect(await fence(h)).toMatchObject({ status: 200, clear: false, reason: 'this DLX does not know the resource' });
  expect(await ask(h, '/fence', { resource })).toMatchObject({ status: 400 });
  expect(await ask(h, '/fence')).toMatchObject({ status: 400 });
  expect(await ask(h, '/preflight', { resource: 'web' })).toMatchObject({ status: 400 });
  await h.end({});
});

test('activity tells of resources with any, by ages, and does not count quiet requests', async () => {
  const clock = createFakeClock();
  const app = await startUpstream();
  const h = await startHarness({ clock });
  h.scaler.endpoints('web', [app.endpoint]);
  h.scaler.set({ name: 'web', phase: 'awake' });
  h.scaler.set({ name: 'never', phase: 'awake' });
  await h.send();
  await clock.advance(1500);
  await h.send({ headers: { host: 'web', 'user-agent': 'Prometheus/3.0' } });
  expect(await ask(h, '/activity')).toEqual({
    status: 200,
    replica: 'dlx-1',
    startedAt: clock.now(),
    now: clock.now(),
    draining: false,
    resources: {
      'default/web': { held: 0, inFlight: 0, openStreams: 0, arrivals: 1, lastArrivalAgeMs: 1500, lastEndAgeMs: 1500 },
    },
  });
  await h.end({ forwarded: 2 });
});

test('preflight is ok once the ports listen and an endpoint answered from here, and else says what is missing', async () => {
  const app = await startUpstream();
  const taken = await startTcp(() => {}, await freePort());
  const h = await startHarness();
  expect((await ask(h, '/preflight', { resource }))['reasons']).toEqual(['default/web is not known here']);
  const targets = [{ service: 'web', port: 80, listenPort: taken.endpoint.port }];
  h.scaler.endpoints('web', [refusingEndpoint()]);
  h.scaler.set({ name: 'web', phase: 'awake', targets });
  await h.until(() => h.dlx.listeners.failures().length === 1);
  const { ok, reasons } = await ask(h, '/preflight', { resource });
  expect(ok).toBe(false);
  expect(reasons).toEqual([expect.stringContaining('EADDRINUSE'), expect.stringContaining('ECONNREFUSED')]);
  taken.close();
  h.scaler.endpoints('web', [app.endpoint]);
  await h.until(() => h.dlx.listeners.isListening(taken.endpoint.port));
  expect(await ask(h, '/preflight', { resource })).toMatchObject({ ok: true, reasons: [] });
  h.scaler.endpoints('web', [{ ...app.endpoint, id: 'b', check: () => Promise.reject(new Error('status 503')) }]);
  expect((await ask(h, '/preflight', { resource }))['reasons']).toEqual(['no endpoint answers from here: status 503']);
  await h.end({});
});
