import { describe, expect, test } from '@jest/globals';
import { startAwake } from '../testing/harness.ts';
import { ask, connectHttp2, startHttp2App } from '../testing/http2.ts';
import { endOf, startRawApp } from '../testing/stream.ts';

const hint = (size: number): string => `HTTP/1.1 103 Early Hints\r\nlink: </${'a'.repeat(size)}>; rel=preload\r\n\r\n`;
const answer = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const met = 'dlx_bounds_met_total{bound="informational",namespace="default"}';

describe.each([
  ['HTTP/1', 'GET / HTTP/1.1\r\nhost: web\r\n\r\n'],
  ['an offer to upgrade', 'GET / HTTP/1.1\r\nhost: web\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'],
])('in %s', (_name, request) => {
  test.each([
    ['small ones', 10, 1000, 100],
    ['large ones', 6000, 1000, 10],
  ])('of %s as many 1xx are passed on as a head may have, and the answer comes', async (_kind, size, count, passed) => {
    const app = await startRawApp();
    const h = await startAwake([app]);
    const near = endOf(await h.raw(request));
    const far = await app.head(0);
    far.socket.write(hint(size).repeat(count));
    far.socket.write(answer);
    await near.hears('200 OK');
    expect(near.heard().match(/ 103 /g)).toHaveLength(passed);
    expect(await h.metric(met)).toBe(count - passed);
    near.socket.destroy();
    far.socket.destroy();
    await h.end({ forwarded: 1 });
  });

  test('while the client takes nothing, nothing is passed on', async () => {
    const app = await startRawApp();
    const h = await startAwake([app]);
    const near = endOf(await h.raw(request));
    const far = await app.head(0);
    const [connection] = h.dlx.server.connections;
    const { socket } = connection as NonNullable<typeof connection>;
    Object.defineProperty(socket, 'writableNeedDrain', { get: () => true });
    far.socket.write(hint(10));
    await h.until(() => h.dlx.core.upstreams.size === 1);
    far.socket.write(answer);
    await near.hears('200 OK');
    expect(near.heard()).not.toContain(' 103 ');
    near.socket.destroy();
    far.socket.destroy();
    await h.end({ forwarded: 1 });
  });

  test('an endpoint that says nothing else, without end, is broken off', async () => {
    const app = await startRawApp();
    const h = await startAwake([app]);
    const near = endOf(await h.raw(request));
    const far = await app.head(0);
    for (let i = 0; i < 11; i++) far.socket.write('HTTP/1.1 102 Processing\r\n\r\n'.repeat(1000));
    await near.hears('502 Bad Gateway');
    expect(near.heard()).toContain('sent too many 1xx');
    await h.end({ 'upstream-reset': 1 });
  });
});

test('in HTTP/2 they are as many, and the answer comes', async () => {
  const app = await startHttp2App((stream) => {
    for (let i = 0; i < 300; i++) stream.additionalHeaders({ ':status': 103, link: `</${i}>` });
    stream.respond({ ':status': 200 });
    stream.end('ok');
  });
  const h = await startAwake([app]);
  const { body, informed } = await ask(connectHttp2(h.port), { ':path': '/' });
  expect([body, informed.length]).toEqual(['ok', 100]);
  expect(await h.metric(met)).toBe(200);
  await h.end({ forwarded: 1 });
});

test('in HTTP/2 one that says nothing else is broken off, too', async () => {
  const app = await startHttp2App((stream) => {
    for (let i = 0; i < 10_001; i++) stream.additionalHeaders({ ':status': 103 });
  });
  const h = await startAwake([app]);
  const { status, problem } = await ask(connectHttp2(h.port), { ':path': '/' });
  expect([status, problem.code]).toEqual([502, 'upstream-reset']);
  await h.end({ 'upstream-reset': 1 });
});

test('nor may it say the same fields again and again, which costs it a byte each', async () => {
  const fields = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`x-${i}`, 'v']));
  const app = await startHttp2App((stream) => {
    for (let i = 0; i < 100; i++) stream.additionalHeaders({ ':status': 103, ...fields });
    stream.respond({ ':status': 200 });
    stream.end('ok');
  });
  const h = await startAwake([app]);
  const { status, problem } = await ask(connectHttp2(h.port, { maxHeaderListPairs: 400 }), { ':path': '/' });
  expect([status, problem.code]).toEqual([502, 'upstream-reset']);
  expect(problem.detail).toContain('16384 fields');
  await h.end({ 'upstream-reset': 1 });
});
