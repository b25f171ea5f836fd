import { expect, test } from '@jest/globals';
import { createFakeClock } from '@scaler/testing-kit';
import { startHarness } from '../testing/harness.ts';
import { endOf } from '../testing/stream.ts';
import { startRaw } from '../testing/tcp.ts';

const request = (offer: string, more = '', body = ''): string =>
  `POST / HTTP/1.1\r\nHost: elsewhere\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: ${offer}\r\n${more}\r\n${body}`;
const answer = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

test.each([
  ['h2c, as Java and curl --http2 offer it', request('h2c', 'HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n')],
  ['h2c with a body', request('h2c', 'Content-Length: 2\r\n', 'hi')],
  ['TLS', request('TLS/1.2')],
  ['a protocol with a body', request('tcp', 'Transfer-Encoding: chunked\r\n', '2\r\nhi\r\n0\r\n\r\n')],
  [
    'a protocol in HTTP/1.0',
    request('websocket').replace('HTTP/1.1', 'HTTP/1.0').replace('Upgrade,', 'keep-alive, Upgrade,'),
  ],
])("an ignored offer of %s on a target's own port is that target's, and its connection goes on", async (_, text) => {
  const { h, wake, dial, app, ends } = await startRaw({ protocol: 'http' });
  const near = await dial(text);
  await wake();
  const far = await app(0, '\r\n\r\n');
  const [connection, ...others] = h.dlx.server.connections;
  expect([connection?.ownPort, others]).toEqual([true, []]);
  expect(far.heard()).not.toMatch(/upgrade|http2-settings/i);
  far.socket.write(answer);
  await near.hears('ok');
  near.socket.write(text);
  await h.until(() => (far.heard() + (ends[1]?.heard() ?? '')).split('POST / ').length === 3, 'the next one comes too');
  ends.at(-1)?.socket.write(answer);
  await h.until(() => near.heard().split('200 OK').length === 3);
  await h.end({ forwarded: 2 });
});

test('a connection on which an offer was ignored is not silent while it has requests', async () => {
  const clock = createFakeClock();
  const { h, wake, dial, ends } = await startRaw({ protocol: 'http' }, { clock });
  const near = await dial(request('h2c'));
  await wake();
  // Its connection may be another at each request.
  const heard = (): string => ends.map((end) => end.heard()).join('');
  for (let i = 1; i < 6; i++) {
    await h.until(() => heard().split('POST / ').length === i + 1);
    ends.at(-1)?.socket.write(answer);
    await h.until(() => near.heard().split('200 OK').length === i + 1);
    await h.until(() => h.dlx.core.accounting.inFlight === 0);
    await clock.advance(40_000);
    h.dlx.server.look(clock.monotonic());
    if (i < 5) near.socket.write('POST / HTTP/1.1\r\nHost: elsewhere\r\n\r\n');
  }
  expect(near.events).toEqual([]);
  await h.end({ forwarded: 5 });
});

test.each([
  ['an offer', 'GET / HTTP/1.1\r\nHost: web\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n'],
  [
    'an offer and what comes early behind it',
    'GET / HTTP/1.1\r\nHost: web\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nearly',
  ],
  ['an ignored offer', 'GET / HTTP/1.1\r\nHost: web\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n'],
  ['CONNECT', 'CONNECT web:80 HTTP/1.1\r\nHost: web:80\r\n\r\n'],
  ['CONNECT and what comes behind it', 'CONNECT web:80 HTTP/1.1\r\nHost: web:80\r\n\r\nmore'],
  ['a method that is not known', 'LIST / HTTP/1.1\r\nHost: web\r\n\r\n'],
  ['no request at all', '\x16\x03\x01\x02\x00\r\n\r\n'],
])(
  'a client that leaves behind a held request and %s frees its place, and nothing of it is sent',
  async (_, behind) => {
    for (const leave of ['end', 'resetAndDestroy'] as const) {
      const h = await startHarness();
      h.scaler.set({ name: 'web' });
      const text = `POST /held HTTP/1.1\r\nHost: web\r\nContent-Length: 2\r\n\r\nhi${behind}`;
      const near = endOf(await h.raw(text));
      await h.scaler.call(0);
      await h.until(() => h.held() === 1);
      const [connection] = h.dlx.server.connections;
      await h.until(() => connection?.socket.bytesRead === text.length, 'all of it was read');
      near.socket[leave]();
      await h.until(() => h.held() === 0, 'it is not held any more');
      await h.end({ 'client-gone': 1 });
    }
  },
);
