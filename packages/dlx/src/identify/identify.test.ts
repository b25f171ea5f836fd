import { describe, expect, test } from '@jest/globals';
import type { TargetPort } from '@scaler/scaler-types';
import { once } from 'node:events';
import { Agent } from 'node:http';
import { connect } from 'node:net';
import { ScriptedScaler } from '../testing/scripted-scaler.ts';
import { type Harness, send, startHarness } from '../testing/harness.ts';
import { freePort, startUpstream } from '../testing/upstream.ts';

async function withWeb(options: Parameters<typeof startHarness>[0] = {}): Promise<Harness> {
  const app = await startUpstream((req, res) => res.end(String(req.headers['x-scaler-hop'])));
  const h = await startHarness({ scaler: new ScriptedScaler({ auto: true }), ...options });
  h.scaler.endpoints('web', [app.endpoint]);
  h.scaler.endpoints('api', [app.endpoint]);
  h.scaler.endpoints('thief', [app.endpoint]);
  h.scaler.set({
    name: 'web',
    phase: 'awake',
    targets: [{ service: 'web', port: 80, routes: [{ host: 'app.example.com' }, { host: '*.wild.example' }] }],
  });
  h.scaler.set({
    name: 'api',
    phase: 'awake',
    targets: [
      {
        service: 'api',
        port: 8000,
        routes: [
          { host: 'app.example.com', path: '/api' },
          { host: 'app.example.com', path: '/exact', pathType: 'Exact' },
        ],
      },
    ],
  });
  return h;
}

test.each([
  ['app.example.com', '/', 'web'],
  ['App.Example.com', '/', 'web'],
  ['app.example.com.', '/', 'web'],
  ['app.example.com:8443', '/', 'web'],
  ['APP.EXAMPLE.COM.:80', '/', 'web'],
  ['one.wild.example', '/', 'web'],
  ['app.example.com', '/api', 'api'],
  ['app.example.com', '/api/v1?x', 'api'],
  ['app.example.com', '/apix', 'web'],
  ['app.example.com', '/exact', 'api'],
  ['app.example.com', '/exact/more', 'web'],
  ['web', '/', 'web'],
  ['web.default', '/', 'web'],
  ['web.default.svc', '/', 'web'],
  ['web.default.svc.cluster.local', '/', 'web'],
  ['Web.Default.SVC.cluster.local.:80', '/', 'web'],
  ['api:8000', '/', 'api'],
])('Host %s with path %s is for %s', async (host, path, name) => {
  const h = await withWeb();
  expect((await h.send({ headers: { host }, path })).body).toBe(`default/${name}`);
  await h.end({ forwarded: 1 });
});

test('a request for no known resource is answered 404 with the keys that were tried', async () => {
  const h = await withWeb();
  for (const host of ['two.labels.wild.example', 'wild.example', 'web.other', '10.0.0.1']) {
    const { status, problem } = await h.send({ headers: { host }, path: '/a?b' });
    expect([status, problem.code]).toEqual([404, 'no-route']);
    expect(problem.tried).toEqual([`host ${host} path /a`, `service ${host}`, 'any host, path /a']);
  }
  await h.end({ 'no-route': 4 });
});

describe('what two resources claim', () => {
  test('is served by the older claim, and by the one that is left', async () => {
    const h = await withWeb();
    const targets = [{ service: 'thief', port: 80, routes: [{ host: 'app.example.com' }] }];
    h.scaler.set({ name: 'thief', phase: 'awake', targets });
    expect((await h.send({ headers: { host: 'app.example.com' } })).body).toBe('default/web');
    h.scaler.remove('web');
    expect((await h.send({ headers: { host: 'app.example.com' } })).body).toBe('default/thief');
    await h.end({ forwarded: 2 });
  });

  test('stays with who had it when the other object is older and claims it later', async () => {
    const h = await withWeb();
    const targets = [
      { service: 'old', port: 80, routes: [{ host: 'app.example.com' }], routesSince: ['2020-01-01T00:00:00Z'] },
    ];
    h.scaler.set({ name: 'old', phase: 'awake', createdAt: '2020-01-01T00:00:00Z', targets });
    expect((await h.send({ headers: { host: 'app.example.com' } })).body).toBe('default/web');
    // Whatever the scaler lists anew of the one that has it.
    h.scaler.set({
      name: 'web',
      phase: 'awake',
      targets: [{ service: 'web', port: 80, routes: [{ host: 'x.example.com' }, { host: 'app.example.com' }] }],
    });
    expect((await h.send({ headers: { host: 'app.example.com' } })).body).toBe('default/web');
    await h.end({ forwarded: 2 });
  });

  test('is, with the bare name of a Service, for the older Service', async () => {
    const h = await withWeb();
    h.scaler.set({ namespace: 'other', name: 'web', phase: 'awake', targets: [{ service: 'web', port: 80 }] });
    expect((await h.send({ headers: { host: 'web' } })).body).toBe('default/web');
    await h.end({ forwarded: 1 });
  });

  test('is for the Service where a route goes by the full name of one', async () => {
    const h = await withWeb();
    const routes = [{ host: 'web.default.svc.cluster.local' }, { host: 'web.default.svc' }];
    h.scaler.set({
      namespace: 'other',
      name: 'thief',
      phase: 'awake',
      targets: [{ service: 'thief', port: 80, routes }],
    });
    for (const { host } of routes) expect((await h.send({ headers: { host } })).body).toBe('default/web');
    await h.end({ forwarded: 2 });
  });

  test('is, with a port, for the one that had it, whatever else the scaler lists of either', async () => {
    const { h, listenPort, tell, answer } = await withContest();
    tell('web', {});
    tell('thief', {}, '2020-01-01T00:00:00Z');
    await h.until(() => h.dlx.listeners.isListening(listenPort));
    expect(await answer()).toBe('default/web');
    tell('web', { portName: 'http' });
    expect(await answer()).toBe('default/web');
    await h.end({ forwarded: 2 });
  });

  test('is, with a port, for the one whose traffic is led there, first for the one that is longest', async () => {
    const { h, listenPort, tell, answer } = await withContest();
    tell('thief', {}, '2020-01-01T00:00:00Z');
    tell('web', { led: { port: listenPort, since: '2026-01-01T00:00:00Z' } });
    await h.until(() => h.dlx.listeners.isListening(listenPort));
    expect(await answer()).toBe('default/web');
    tell('thief', { led: { port: listenPort, since: '2026-01-02T00:00:00Z' } });
    expect(await answer()).toBe('default/web');
    h.scaler.remove('web');
    expect(await answer()).toBe('default/thief');
    await h.end({ forwarded: 3 });
  });

  test('a port that traffic is still led to is listened on beside the one that was given', async () => {
    const { h, listenPort, tell, answer } = await withContest();
    const given = await freePort();
    tell('web', { listenPort: given, led: { port: listenPort } });
    await h.until(() => h.dlx.listeners.isListening(listenPort) && h.dlx.listeners.isListening(given));
    expect(await answer()).toBe('default/web');
    tell('web', { listenPort: given });
    await h.until(() => !h.dlx.listeners.isListening(listenPort));
    await h.end({ forwarded: 1 });
  });
});

/** Two resources that may claim one port. */
async function withContest() {
  const app = await startUpstream((req, res) => res.end(String(req.headers['x-scaler-hop'])));
  const h = await startHarness({ scaler: new ScriptedScaler({ auto: true }) });
  const listenPort = await freePort();
  for (const name of ['web', 'thief']) h.scaler.endpoints(name, [app.endpoint]);
  const tell = (name: string, target: Partial<TargetPort>, createdAt?: string): void => {
    const targets = [{ service: name, port: 80, listenPort, ...target }];
    h.scaler.set({ name, phase: 'awake', targets, ...(createdAt && { createdAt }) });
  };
  return { h, listenPort, tell, answer: async () => (await send({ port: listenPort })).body };
}

test('an ambiguous route leads to no target, nor does a wider one in its place', async () => {
  const h = await withWeb();
  const routes = [{ host: 'app.example.com', path: '/split', ambiguous: true }];
  h.scaler.set({ name: 'canary', phase: 'awake', targets: [{ service: 'canary', port: 80, routes }] });
  const { status, problem } = await h.send({ headers: { host: 'app.example.com' }, path: '/split/a' });
  expect([status, problem.tried?.[0]]).toEqual([404, 'host app.example.com path /split/a (claimed by several)']);
  expect((await h.send({ headers: { host: 'app.example.com' }, path: '/' })).body).toBe('default/web');
  await h.end({ 'no-route': 1, forwarded: 1 });
});

test('the target header is believed from trusted peers only', async () => {
  const headers = { host: 'unknown', 'X-Scaler-Target': 'default/api:8000' };
  const stranger = await withWeb();
  expect((await stranger.send({ headers })).status).toBe(404);
  await stranger.end({ 'no-route': 1 });
  const friend = await withWeb({ trustedPeers: ['127.0.0.0/8'] });
  expect((await friend.send({ headers })).body).toBe('default/api');
  expect((await friend.send({ headers: { ...headers, 'x-scaler-target': 'default/none' } })).status).toBe(404);
  await friend.end({ forwarded: 1, 'no-route': 1 });
});

test('a target header names its own namespace, though that is called svc', async () => {
  const h = await withWeb({ trustedPeers: ['127.0.0.0/8'] });
  h.scaler.set({ namespace: 'svc', name: 'own', phase: 'awake', targets: [{ service: 'web', port: 80 }] });
  const headers = { host: 'unknown', 'x-scaler-target': 'svc/web' };
  expect((await h.send({ headers })).body).toBe('svc/own');
  await h.end({ forwarded: 1 });
});

test('a target’s own port is exact for any Host, and closed as soon as it is taken back', async () => {
  const h = await withWeb();
  const listenPort = await freePort();
  h.scaler.set({ name: 'web', phase: 'awake', targets: [{ service: 'web', port: 80, listenPort }] });
  await h.until(() => h.dlx.listeners.isListening(listenPort));
  const early = connect(listenPort, '127.0.0.1');
  await once(early, 'connect');
  // One that came later, so that the early one is accepted.
  expect((await send({ port: listenPort, headers: { host: 'whatever.it.is' } })).body).toBe('default/web');
  h.scaler.set({ name: 'web', phase: 'awake' });
  await h.until(() => !h.dlx.listeners.isListening(listenPort));
  await expect(send({ port: listenPort })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  // A client that is connected already gets the reason.
  early.end('GET / HTTP/1.1\r\nhost: web\r\n\r\n');
  const text = (await early.toArray()).join('');
  expect(text).toMatch(/^HTTP\/1.1 404 /);
  expect(text).toContain(`port ${listenPort} belongs to no resource`);
  await h.end({ forwarded: 1, 'no-route': 1 });
});

test('a request that comes back to its own resource is a loop', async () => {
  const h = await withWeb();
  const { status, problem } = await h.send({ headers: { host: 'web', 'x-scaler-hop': 'default/a, default/web' } });
  expect([status, problem.code]).toEqual([508, 'no-route']);
  expect((await h.send({ headers: { host: 'web', 'x-scaler-hop': 'default/a' } })).body).toBe('default/a, default/web');
  await h.end({ 'no-route': 1, forwarded: 1 });
});

test.each([
  ['two Hosts', 'GET / HTTP/1.1\r\nhost: web\r\nhost: api\r\n\r\n', 400],
  ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
  ['a Host that is none', 'GET / HTTP/1.1\r\nhost: web/../api\r\n\r\n', 400],
  ['absolute form against Host', 'GET http://api/ HTTP/1.1\r\nhost: web\r\n\r\n', 400],
  ['Transfer-Encoding in HTTP/1.0', 'POST / HTTP/1.0\r\nhost: web\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n', 400],
  [
    'CL and TE',
    'POST / HTTP/1.1\r\nhost: web\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    400,
  ],
  ['two lengths', 'POST / HTTP/1.1\r\nhost: web\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabc', 400],
  ['an unknown expectation', 'POST / HTTP/1.1\r\nhost: web\r\nexpect: wonders\r\ncontent-length: 3\r\n\r\nabc', 417],
  ['an asterisk', 'OPTIONS * HTTP/1.1\r\nhost: web\r\n\r\n', 400],
  ['CONNECT', 'CONNECT web:80 HTTP/1.1\r\nhost: web\r\n\r\n', 501],
  ['rubbish', '\x16\x03\x01\x00\r\n\r\n', 400],
])('%s is refused, counted, and never sent on', async (_, text, status) => {
  const h = await withWeb();
  const socket = await h.raw(text);
  let answer = '';
  await new Promise((resolve) => socket.on('data', (chunk) => (answer += String(chunk))).on('close', resolve));
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(answer).toContain('"code":"bad-request"');
  await h.end({ 'bad-request': 1 });
});

test('absolute form that agrees with Host goes on in origin form, and an offered h2c upgrade is not taken', async () => {
  const h = await withWeb();
  expect((await h.send({ path: 'http://web/x?y' })).status).toBe(200);
  expect((await h.send({ headers: { host: 'web', connection: 'upgrade', upgrade: 'h2c' } })).status).toBe(200);
  await h.end({ forwarded: 2 });
});

test('of pipelined requests one at a time is admitted, and they are answered in order', async () => {
  const app = await startUpstream((req, res) => setTimeout(() => res.end(`<${req.url}>`), req.url === '/0' ? 30 : 0));
  const h = await startHarness({ scaler: new ScriptedScaler({ auto: true }) });
  h.scaler.endpoints('web', [app.endpoint]);
  h.scaler.set({ name: 'web', phase: 'awake' });
  const socket = await h.raw(Array.from({ length: 300 }, (_, i) => `GET /${i} HTTP/1.1\r\nhost: web\r\n\r\n`).join(''));
  let most = 0;
  let text = '';
  socket.on('data', (chunk) => (text += String(chunk)));
  await h.until(() => {
    most = Math.max(most, h.dlx.core.accounting.inFlight);
    return text.includes('</299>') || text.includes('<' + '/299>');
  });
  expect(most).toBe(1);
  expect(text.match(/<\/\d+>/g)).toEqual(Array.from({ length: 300 }, (_, i) => `</${i}>`));
  await h.end({ forwarded: 300 });
});

test('a kept-alive client may change its target with every request', async () => {
  const h = await withWeb();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (const name of ['web', 'api', 'web']) {
    expect((await h.send({ headers: { host: name }, agent })).body).toBe(`default/${name}`);
  }
  agent.destroy();
  await h.end({ forwarded: 3 });
});
