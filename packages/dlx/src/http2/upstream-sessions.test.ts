import { type ClientHttp2Session, constants } from 'node:http2';
import { afterEach, expect, jest, test } from '@jest/globals';
import { startAwake } from '../testing/harness.ts';
import { ask, connectHttp2, open2, startHttp2App } from '../testing/http2.ts';
import { startTcp, startUpstream } from '../testing/upstream.ts';
import { UpstreamSession } from './upstream-sessions.ts';

afterEach(() => void jest.restoreAllMocks());

test('requests share a connection as far as the endpoint allows, and then there is another', async () => {
  const waiting: (() => void)[] = [];
  const app = await startHttp2App(
    (stream) => {
      waiting.push(() => {
        stream.respond({ ':status': 200 });
        stream.end('ok');
      });
    },
    { settings: { maxConcurrentStreams: 2 } },
  );
  const h = await startAwake([app]);
  const client = connectHttp2(h.port);
  const answers = [1, 2, 3, 4, 5].map(() => ask(client, {}));
  await h.until(() => waiting.length === 5);
  expect([app.sessions.size, h.dlx.core.sessions.size]).toEqual([3, 3]);
  for (const answer of waiting.splice(0)) answer();
  expect((await Promise.all(answers)).map(({ body }) => body)).toEqual(Array(5).fill('ok'));
  const again = ask(client, {});
  await h.until(() => waiting.length === 1);
  waiting.pop()?.();
  await again;
  expect(app.sessions.size).toBe(3);
  await h.end({ forwarded: 6 });
});

test('an idle connection is closed after a while, and at once when its endpoint is gone', async () => {
  const app = await startHttp2App();
  const h = await startAwake([app]);
  const { sessions } = h.dlx.core;
  const client = connectHttp2(h.port);
  await ask(client, {});
  sessions.look(performance.now());
  sessions.look(performance.now() + 9000);
  expect(sessions.size).toBe(1);
  sessions.look(performance.now() + 11_000);
  await h.until(() => sessions.size === 0 && app.sessions.size === 0);
  await ask(client, {});
  expect(sessions.size).toBe(1);
  h.scaler.endpoints('web', []);
  await h.until(() => sessions.size === 0);
  // As another instance, the same address gets a connection of its own.
  h.scaler.endpoints('web', [{ ...app.endpoint, id: 'another' }]);
  expect((await ask(client, {})).body).toBe('ok');
  await h.end({ forwarded: 3 });
});

test('an endpoint that says goodbye is opened anew, and what is under way is finished', async () => {
  let finish = (): void => {};
  const app = await startHttp2App((stream, head) => {
    stream.respond({ ':status': 200 });
    if (head[':path'] === '/long') finish = () => stream.end('done');
    else stream.end('ok');
  });
  const h = await startAwake([app]);
  const client = connectHttp2(h.port);
  const long = ask(client, { ':path': '/long' });
  await h.until(() => app.streams.length === 1);
  for (const session of app.sessions) session.close();
  expect((await ask(client, {})).body).toBe('ok');
  finish();
  expect((await long).body).toBe('done');
  await h.until(() => app.sessions.size === 1);
  await h.end({ forwarded: 2 });
});

test.each([
  ['gone', (session: ClientHttp2Session | undefined) => session?.destroy()],
  ['about to go', (session: ClientHttp2Session | undefined) => session?.close()],
])('a connection that is %s before Node says so takes no request', async (_state, end) => {
  const app = await startHttp2App();
  const h = await startAwake([app]);
  const client = connectHttp2(h.port);
  let first: ClientHttp2Session | undefined;
  const send = UpstreamSession.prototype.request;
  jest.spyOn(UpstreamSession.prototype, 'request').mockImplementation(function (this: UpstreamSession, ...given) {
    const up = send.apply(this, given);
    first ??= up.session as ClientHttp2Session;
    return up;
  });
  await ask(client, {});
  const { sessions } = h.dlx.core;
  const acquire = sessions.acquire.bind(sessions);
  sessions.acquire = (...given) => {
    end(first);
    acquire(...given);
  };
  expect((await ask(client, { ':method': 'POST' }, 'x')).body).toBe('ok');
  expect(app.seen).toHaveLength(2);
  await h.end({ forwarded: 2 });
});

test('a stream that an endpoint did not take goes to another, or waits for it to take one', async () => {
  let refusing = 3;
  const app = await startHttp2App((stream) => {
    if (refusing-- > 0) stream.close(constants.NGHTTP2_REFUSED_STREAM);
    else {
      stream.respond({ ':status': 200 });
      stream.end('taken');
    }
  });
  const h = await startAwake([app]);
  const client = connectHttp2(h.port);
  expect((await ask(client, { ':method': 'DELETE' })).body).toBe('taken');
  expect(app.seen).toHaveLength(4);
  refusing = 1;
  const other = await startHttp2App();
  h.scaler.endpoints('web', [app.endpoint, other.endpoint]);
  const bodies = [await ask(client, {}), await ask(client, {})].map(({ body }) => body);
  expect(bodies).toEqual(['ok', 'ok']);
  await h.end({ forwarded: 3 });
});

test('one that refuses stream after stream is asked ever more seldom, until the hold limit', async () => {
  let serves = true;
  const app = await startHttp2App((stream) => {
    if (!serves) {
      stream.close(constants.NGHTTP2_REFUSED_STREAM);
      return;
    }
    stream.respond({ ':status': 200 });
    stream.end('ok');
  });
  const h = await startAwake([app], { settings: { holdTimeoutMs: 300 } });
  const client = connectHttp2(h.port);
  await ask(client, {});
  serves = false;
  const { status, problem } = await ask(client, {});
  expect([status, problem.code]).toEqual([502, 'upstream-connect']);
  expect(app.seen.length).toBeLessThan(10);
  serves = true;
  expect((await ask(client, {})).body).toBe('ok');
  await h.end({ forwarded: 2, 'upstream-connect': 1 });
});

test('when a part of its body is gone with such a stream, the client hears that it may send it again', async () => {
  const app = await startHttp2App((stream) => {
    stream.once('data', () => stream.close(constants.NGHTTP2_REFUSED_STREAM));
  });
  const h = await startAwake([app]);
  const { whole, status, code } = await ask(connectHttp2(h.port), { ':method': 'POST' }, 'x');
  expect([whole, status, code]).toEqual([false, 0, constants.NGHTTP2_REFUSED_STREAM]);
  await h.end({ 'upstream-reset': 1 });
});

test('an upstream that speaks HTTP/1 only is recognised, and asked once', async () => {
  const app = await startUpstream();
  const h = await startAwake([app]);
  const { status, problem } = await ask(connectHttp2(h.port), {});
  expect([status, problem.code]).toEqual([502, 'upstream-reset']);
  expect(problem.detail).toContain('does not speak HTTP/2');
  expect(app.seen).toEqual([]);
  expect((await h.send()).body).toBe('ok');
  await h.end({ 'upstream-reset': 1, forwarded: 1 });
});

test('an endpoint that resets connections or never says a word costs no request: another takes it', async () => {
  const app = await startHttp2App();
  const resets = await startTcp((socket) => socket.resetAndDestroy());
  const mute = await startTcp(() => {});
  const h = await startAwake([resets, mute, app]);
  const client = connectHttp2(h.port);
  const answers = await Promise.all([1, 2, 3, 4, 5, 6].map(() => ask(client, { ':method': 'POST' }, 'x')));
  expect(answers.map(({ body }) => body)).toEqual(Array(6).fill('ok'));
  await h.end({ forwarded: 6 });
});

test('an endpoint that takes no streams at all is no endpoint', async () => {
  const app = await startHttp2App(undefined, { settings: { maxConcurrentStreams: 0 } });
  const h = await startAwake([app], { settings: { holdTimeoutMs: 100 } });
  const { status, problem } = await ask(connectHttp2(h.port), {});
  expect([status, problem.code]).toEqual([502, 'upstream-connect']);
  expect(problem.detail).toContain('takes no streams');
  await h.end({ 'upstream-connect': 1 });
});

test('each wait has its own limit: an answer that does not begin, one that stops, a client that stops', async () => {
  const app = await startHttp2App((stream, head) => {
    if (head[':path'] === '/mute') return;
    stream.respond({ ':status': 200 });
    stream.write(head[':path'] === '/pours' ? Buffer.alloc(1024 * 1024) : 'half');
  });
  const h = await startAwake([app], { settings: { responseTimeoutMs: 100, idleTimeoutMs: 200 } });
  const client = connectHttp2(h.port);
  const mute = ask(client, { ':path': '/mute' });
  const stops = ask(client, { ':path': '/stops' });
  const upload = open2(client, { ':method': 'POST', ':path': '/mute' }, undefined);
  const pours = open2(client, { ':path': '/pours' });
  pours.stream.pause();
  const { status, problem } = await mute;
  expect([status, problem.code]).toEqual([504, 'upstream-timeout']);
  expect(await stops).toMatchObject({ status: 200, whole: false, code: constants.NGHTTP2_INTERNAL_ERROR });
  expect(await upload.answer).toMatchObject({ status: 0, whole: false, code: constants.NGHTTP2_CANCEL });
  await h.until(() => pours.stream.closed);
  pours.stream.destroy();
  await h.until(() => app.streams.every(({ closed }) => closed));
  await h.end({ 'upstream-timeout': 1, 'upstream-idle': 1, 'client-gone': 2 });
});
