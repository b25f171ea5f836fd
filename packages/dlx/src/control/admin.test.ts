import { expect, test } from '@jest/globals';
import { startAdminServer } from '@scaler/runtime';
import { silentLogger } from '@scaler/testing-kit';
import { adminRoutes } from './admin.ts';
import { send, startHarness } from '../testing/harness.ts';
import { refusingEndpoint, startUpstream } from '../testing/upstream.ts';

const headers = { host: '127.0.0.1' };

test('the admin server tells of each resource: phase, what is held, how the last requests ended', async () => {
  const app = await startUpstream();
  const h = await startHarness();
  const admin = await startAdminServer({ port: 0, logger: silentLogger, register: adminRoutes(h.dlx) });
  const { port } = admin.address;
  h.scaler.endpoints('web', [app.endpoint]);
  h.scaler.set({ name: 'web', phase: 'awake' });
  h.scaler.set({ name: 'sleeper' });
  await h.send({ path: '/one?token=secret' });
  const held = h.send({ headers: { host: 'sleeper' } });
  await h.until(() => h.held('sleeper') === 1);
  const all = JSON.parse((await send({ port, path: '/resources', headers })).body) as { resources: object[] };
  expect(all).toMatchObject({ replica: 'dlx-1', draining: false, held: 1, outcomes: { forwarded: 1 } });
  expect(all.resources).toEqual([
    expect.objectContaining({ name: 'web', phase: 'awake', open: true, held: 0, arrivals: 1 }),
    expect.objectContaining({ name: 'sleeper', phase: 'asleep', open: false, held: 1, waking: true }),
  ]);
  const one = JSON.parse((await send({ port, path: '/resources/default/web', headers })).body) as object;
  expect(one).toMatchObject({
    targets: [{ service: 'web', port: 80, endpoints: [`127.0.0.1:${app.port}`] }],
    recent: [{ outcome: 'forwarded', status: 200, method: 'GET', path: '/one' }],
  });
  expect(one).toMatchObject({ inLine: false, breaker: { state: 'closed', failures: 0, cause: null, retryInMs: null } });
  const { breaker } = h.dlx.resources.gates.get('default/web')?.wake ?? {};
  for (let i = 0; i < 3; i++) breaker?.failed('no image');
  const broken = JSON.parse((await send({ port, path: '/resources/default/web', headers })).body) as object;
  expect(broken).toMatchObject({ breaker: { state: 'open', failures: 3, cause: 'no image' } });
  const none = await send({ port, path: '/resources/default/none', headers });
  expect([none.status, JSON.parse(none.body)]).toEqual([404, expect.objectContaining({ code: 'unknown-resource' })]);
  h.scaler.remove('sleeper');
  await held;
  await admin.close();
  await h.end({ forwarded: 1, 'no-route': 1 });
});

test('the autoscaler’s admin API is mounted beneath, asked once whatever it answers, with the caller’s token', async () => {
  const autoscaler = await startUpstream((req, res) => {
    if (req.url === '/busy') res.writeHead(503, { 'retry-after': '1' }).end();
    else res.end(`${req.url} ${req.headers.authorization ?? ''}`);
  });
  const h = await startHarness();
  const mount = { url: `http://127.0.0.1:${autoscaler.port}`, tokenFile: undefined, ca: undefined };
  const admin = await startAdminServer({ port: 0, logger: silentLogger, register: adminRoutes(h.dlx, mount) });
  const { port } = admin.address;
  const authorization = 'Bearer abc';
  const answer = await send({ port, path: '/autoscaler/resources?x=1', headers: { ...headers, authorization } });
  expect(answer.body).toBe('/resources?x=1 Bearer abc');
  expect((await send({ port, path: '/autoscaler/busy', headers })).status).toBe(503);
  expect(autoscaler.seen.filter((line) => line.includes('busy'))).toHaveLength(1);
  await admin.close();
  await h.end({});
});

test('an autoscaler that is not there is named as such', async () => {
  const { address, port: unused } = refusingEndpoint();
  const h = await startHarness();
  const mount = { url: `http://${address}:${unused}`, tokenFile: undefined, ca: undefined };
  const admin = await startAdminServer({ port: 0, logger: silentLogger, register: adminRoutes(h.dlx, mount) });
  const { status } = await send({ port: admin.address.port, path: '/autoscaler/resources', headers });
  expect(status).toBeGreaterThanOrEqual(500);
  await admin.close();
  await h.end({});
});
