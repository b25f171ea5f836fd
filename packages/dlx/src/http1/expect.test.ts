import { expect, test } from '@jest/globals';
import { refusingEndpoint, startTcp, startUpstream } from '../testing/upstream.ts';
import { startAwake, startHarness } from '../testing/harness.ts';
import { endOf, startRawApp } from '../testing/stream.ts';

const asks = 'POST /up HTTP/1.1\r\nhost: web\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n';
const go = 'HTTP/1.1 100 Continue\r\n\r\n';
const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

test('the endpoint is asked whether it wants a body, and the client gets its word, not ours', async () => {
  const app = await startRawApp();
  const h = await startHarness();
  h.scaler.set({ name: 'web' });
  const near = endOf(await h.raw(asks));
  const call = await h.scaler.call(0);
  h.scaler.endpoints('web', [app.endpoint]);
  call.ok();
  const far = await app.head(0);
  expect(far.heard()).toMatch(/^POST \/up HTTP\/1.1\r\n[^]*expect: 100-continue\r\n/i);
  expect(near.heard()).toBe('');
  far.socket.write(go);
  await near.hears(go);
  near.socket.write('hi');
  await far.hears('\r\n\r\nhi');
  far.socket.write(ok);
  await near.hears('\r\n\r\nok');
  near.socket.write('GET /next HTTP/1.1\r\nhost: web\r\n\r\n');
  (await app.head(1)).socket.write(ok);
  await h.until(() => near.heard().split('200 OK').length === 3, 'the connection goes on');
  expect(near.heard().split('100 Continue')).toHaveLength(2);
  await h.end({ forwarded: 2 });
});

test('an endpoint that does not want it refuses before it was sent', async () => {
  const app = await startRawApp();
  const h = await startAwake([app]);
  const near = endOf(await h.raw(asks));
  const far = await app.head(0);
  far.socket.write('HTTP/1.1 413 Content Too Large\r\ncontent-length: 3\r\n\r\nno!');
  await near.saw('end');
  expect(near.heard()).toMatch(/^HTTP\/1.1 413 [^]*connection: close[^]*no!$/i);
  expect(far.heard()).not.toContain('\r\n\r\nhi');
  near.socket.end();
  await h.until(() => far.events.length > 0, 'the endpoint hears it');
  await h.end({ forwarded: 1 });
});

test('a client that does not wait has its body passed on, in chunks as in one piece', async () => {
  const app = await startRawApp();
  const h = await startAwake([app]);
  for (const [i, [framing, body]] of (
    [
      ['content-length: 2\r\n', 'hi'],
      ['transfer-encoding: chunked\r\n', '2\r\nhi\r\n0\r\n\r\n'],
    ] as const
  ).entries()) {
    const near = endOf(await h.raw(asks.replace('content-length: 2\r\n', framing) + body));
    const far = await app.head(i);
    await far.hears(body.slice(0, 2));
    await far.hears('hi');
    far.socket.write(ok);
    await near.hears('\r\n\r\nok');
    near.socket.destroy();
  }
  await h.end({ forwarded: 2 });
});

test('nothing is said to a client that expects and sends no body', async () => {
  const app = await startRawApp();
  const h = await startAwake([app]);
  const near = endOf(await h.raw('GET / HTTP/1.1\r\nhost: web\r\nexpect: 100-continue\r\n\r\n'));
  const far = await app.head(0);
  expect(far.heard()).not.toMatch(/expect/i);
  far.socket.write(ok);
  await near.hears('ok');
  expect(near.heard()).not.toContain('100');
  await h.end({ forwarded: 1 });
});

test('a body that did not begin goes to another endpoint, where one refuses or breaks off', async () => {
  const broken = await startTcp((socket) => socket.once('data', () => socket.resetAndDestroy()));
  const app = await startUpstream((_req, res, body) => res.end(body));
  for (const first of [refusingEndpoint(), broken.endpoint]) {
    const h = await startAwake([{ endpoint: first }, app]);
    for (let i = 0; i < 4; i++) {
      const near = endOf(await h.raw(asks));
      await near.hears(go);
      near.socket.write('hi');
      await near.hears('\r\n\r\nhi');
      near.socket.destroy();
    }
    await h.end({ forwarded: 4 });
  }
});

test('an endpoint that says nothing is given up after the time for answers, not the client', async () => {
  const app = await startRawApp();
  const h = await startAwake([app], { settings: { responseTimeoutMs: 50, idleTimeoutMs: 5 } });
  const near = endOf(await h.raw(asks));
  await near.saw('end');
  expect(near.heard()).toMatch(/^HTTP\/1.1 504 /);
  near.socket.end();
  await h.end({ 'upstream-timeout': 1 });
});

test('a client that leaves while the endpoint thinks is counted as gone, and the endpoint hears it', async () => {
  const app = await startRawApp();
  const h = await startAwake([app]);
  const near = endOf(await h.raw(asks));
  const far = await app.head(0);
  near.socket.destroy();
  await h.until(() => far.events.length > 0, 'the endpoint hears it');
  await h.end({ 'client-gone': 1 });
});
