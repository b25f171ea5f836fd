import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { beside, type Bystanders, finishAll, startBystanders } from './testing/bystanders.ts';
import {
  block,
  body,
  connectFrames,
  type Fields,
  frame,
  head,
  request,
  reset,
  startFrameApp,
} from './testing/frames.ts';
import { endpoint, type Harness, startHarness } from './testing/harness.ts';
import { ask, connectHttp2, startHttp2App } from './testing/http2.ts';
import { endOf } from './testing/stream.ts';
import { startUpstream } from './testing/upstream.ts';

/** Frames and requests that are legal, odd or hostile: others live on, and each that was accepted ends. */

let h: Harness;
let live: Bystanders;
const running: { destroy(): void }[] = [];

beforeEach(async () => {
  // What nothing was done with is sent again until then.
  h = await startHarness({ settings: { holdTimeoutMs: 500 } });
  live = await startBystanders(h);
});
afterEach(() => {
  for (const one of running.splice(0)) one.destroy();
});

/** All that was accepted has ended, the uploads of others by an answer. */
async function ended(accepted: number): Promise<void> {
  const { accounting } = h.dlx.core;
  await live.finish();
  await h.until(() => accounting.ended() === accounting.accepted, 'every request has its outcome');
  expect(accounting.accepted).toBe(live.count + accepted);
  expect(accounting.outcomes.forwarded).toBeGreaterThanOrEqual(live.count);
  const faults = await Promise.all(
    ['request', 'connection'].flatMap((end) =>
      ['', 'default', 'other'].map((namespace) =>
        h.metric(`dlx_faults_total{ended="${end}",namespace="${namespace}"}`),
      ),
    ),
  );
  expect(faults.reduce((sum, count) => sum + count)).toBe(0);
  await h.end(Object.fromEntries(Object.entries(accounting.outcomes).filter(([, count]) => count > 0)));
}

const number = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const goaway = (code: number, last = 0): Buffer => frame(7, 0, 0, Buffer.concat([number(last), number(code)]));
const promise = (stream: number): Buffer => frame(5, 4, stream, Buffer.concat([number(2), block(...request('GET'))]));
const setting = (id: number, value: number): Buffer =>
  frame(4, 0, 0, Buffer.concat([Buffer.from([0, id]), number(value)]));
const ok: Fields = [[':status', '200']];

const fromEndpoints: [string, (stream: number) => Buffer[]][] = [
  ['a stream of its own', (s) => [promise(s)]],
  ['a stream of its own that it resets', (s) => [promise(s), reset(2)]],
  ['GOAWAY with an error', () => [goaway(2)]],
  ['GOAWAY with a code that does not exist', () => [goaway(0xffff)]],
  ['GOAWAY of all streams, and more of one', (s) => [goaway(0, s), head(s, ok), body(s, 'x', true)]],
  ['GOAWAY twice, the last stream higher', (s) => [goaway(0, 0), goaway(0, s)]],
  ['ORIGIN', (s) => [frame(12, 0, 0, Buffer.from('\0\x0chttp://x.test')), head(s, ok, true)]],
  ['ALTSVC', (s) => [frame(10, 0, 0, Buffer.from('\0\x01xh2="y"')), head(s, ok, true)]],
  ['no streams any more', (s) => [setting(3, 0), head(s, ok, true)]],
  ['a window of nothing', (s) => [setting(4, 0), head(s, ok, true)]],
  ['a window too large', (s) => [frame(8, 0, s, number(0x7fffffff)), frame(8, 0, s, number(0x7fffffff))]],
  ['a window of 0 more', (s) => [frame(8, 0, s, number(0))]],
  ['frames too large', () => [setting(5, 1)]],
  ['push allowed', () => [setting(2, 1)]],
  ['an unknown frame', (s) => [frame(0x42, 0xff, s, Buffer.alloc(100)), head(s, ok, true)]],
  ['a body before the head', (s) => [body(s, 'x', true)]],
  ['a head twice', (s) => [head(s, ok), head(s, ok, true)]],
  ['trailers without an end', (s) => [head(s, ok), head(s, [['x-own', '1']]), body(s, '', true)]],
  ['a status in trailers', (s) => [head(s, ok), head(s, [[':status', '200']], true)]],
  ['a name in capitals', (s) => [head(s, [...ok, ['X-Own', '1']], true)]],
  ['an empty name', (s) => [head(s, [...ok, ['', '1']], true)]],
  ['a line end in a value', (s) => [head(s, [...ok, ['x-own', 'a\r\nb: c']], true)]],
  ['a NUL in a value', (s) => [head(s, [...ok, ['x-own', 'a\0b']], true)]],
  ['Connection', (s) => [head(s, [...ok, ['connection', 'close']], true)]],
  ['HTTP2-Settings', (s) => [head(s, [...ok, ['http2-settings', 'x']], true)]],
  ['TE twice', (s) => [head(s, [...ok, ['te', 'trailers'], ['te', 'trailers']], true)]],
  ['names that objects have', (s) => [head(s, [...ok, ['constructor', '1'], ['__proto__', '1']], true)]],
  [
    'those in trailers',
    (s) => [
      head(s, ok),
      head(
        s,
        [
          ['constructor', '1'],
          ['__proto__', '1'],
        ],
        true,
      ),
    ],
  ],
  ['less than its length', (s) => [head(s, [...ok, ['content-length', '9']]), body(s, 'x', true)]],
  ['more than its length', (s) => [head(s, [...ok, ['content-length', '1']]), body(s, 'xxx', true)]],
  ['lengths that differ', (s) => [head(s, [...ok, ['content-length', '1'], ['content-length', '2']], true)]],
  ['fields that do not decode', (s) => [frame(1, 5, s, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff]))]],
  ['HEADERS without an end, and another frame', (s) => [frame(1, 0, s, block(...ok)), body(s, 'x', true)]],
  ['CONTINUATION of nothing', (s) => [frame(9, 4, s, block(...ok))]],
  ['a frame on stream 0', () => [body(0, 'x')]],
  ['a frame on a stream that was not opened', () => [head(99, ok, true)]],
  ['PING of the wrong length', () => [frame(6, 0, 0, Buffer.alloc(7))]],
  ['padding longer than the frame', (s) => [head(s, ok), frame(0, 8, s, Buffer.from([200, 1, 2]))]],
  ['a reset with a code that does not exist', (s) => [reset(s, 0xdeadbeef)]],
  ['a reset behind the end', (s) => [head(s, ok, true), reset(s, 0), reset(s, 8)]],
  ['NO_ERROR before the end', (s) => [head(s, ok), reset(s, 0)]],
  ['a depends on itself', (s) => [frame(2, 0, s, Buffer.concat([number(s), Buffer.from([1])])), head(s, ok, true)]],
];

describe('an endpoint in HTTP/2 sends', () => {
  test.each(fromEndpoints)('%s', async (_what, frames) => {
    const app = await startFrameApp((socket, stream) => {
      socket.write(Buffer.concat(frames(stream)));
      // What was no end of it ends with the connection.
      setImmediate(() => socket.end());
    });
    h.scaler.endpoints('web', [app.endpoint]);
    h.scaler.set({ name: 'web', phase: 'awake' });
    await ask(connectHttp2(h.port), { ':method': 'DELETE', ':path': '/' });
    await ended(1);
  });
});

const fromClients: [string, () => Buffer[], accepted?: number][] = [
  ['a stream of the server', () => [promise(1)], 0],
  ['an even stream', () => [head(2, request('GET'), true)], 0],
  ['trailers that are none', () => [head(1, request('POST')), head(1, [[':path', '/']], true)]],
  ['trailers without an end', () => [head(1, request('POST')), head(1, [['x-own', '1']]), body(1, '', true)]],
  ['names that objects have', () => [head(1, request('GET', 'web', ['constructor', '1'], ['__proto__', '1']), true)]],
  ['TE twice', () => [head(1, request('GET', 'web', ['te', 'trailers'], ['te', 'trailers']), true)]],
  ['TE with more', () => [head(1, request('GET', 'web', ['te', 'gzip']), true)], 0],
  ['HTTP2-Settings', () => [head(1, request('GET', 'web', ['http2-settings', 'x']), true)]],
  ['Expect of many letters', () => [head(1, request('POST', 'web', ['expect', '\xff'.repeat(120)]))]],
  [
    'Expect in gRPC',
    () => [head(1, request('POST', 'web', ['content-type', 'application/grpc'], ['expect', '\xff'.repeat(120)]))],
  ],
  ['a method that does not exist', () => [head(1, request('NONE\xff'), true)], 0],
  ['a host that is none', () => [head(1, request('GET', 'we b'), true)], 0],
  ['fields that do not decode', () => [frame(1, 5, 1, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff]))], 0],
  ['a reset at once', () => [head(1, request('POST')), reset(1, 8)]],
  [
    'a reset in the middle, of a code that does not exist',
    () => [head(1, request('POST')), body(1, 'x'), reset(1, 0xdeadbeef)],
  ],
  ['GOAWAY with an error', () => [head(1, request('POST')), goaway(2)]],
  ['a window of nothing', () => [setting(4, 0), head(1, request('GET'), true)]],
  [
    'a window too large',
    () => [head(1, request('GET'), true), frame(8, 0, 0, number(0x7fffffff)), frame(8, 0, 0, number(0x7fffffff))],
  ],
  ['more than its length', () => [head(1, request('POST', 'web', ['content-length', '1'])), body(1, 'xxx', true)]],
  ['less than its length', () => [head(1, request('POST', 'web', ['content-length', '9'])), body(1, 'x', true)]],
  ['HEAD with a body', () => [head(1, request('HEAD')), body(1, 'x', true)]],
  ['a body behind the end', () => [head(1, request('GET'), true), body(1, 'x', true)]],
  ['another HTTP', () => [Buffer.from('GET / HTTP/1.1\r\nhost: web\r\n\r\n')], 0],
];

describe('a client in HTTP/2 sends', () => {
  test.each(fromClients)('%s', async (_what, frames, accepted = 1) => {
    const app = await startHttp2App((stream) => {
      let text = '';
      stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
      stream.on('end', () => {
        if (stream.closed) return;
        stream.respond({ ':status': 200 });
        stream.end(text);
      });
    });
    h.scaler.endpoints('web', [app.endpoint]);
    h.scaler.set({ name: 'web', phase: 'awake' });
    // On the same connection to the endpoint.
    const others = beside(connectHttp2(h.port));
    await h.until(() => app.seen.length === others.length, 'all are with their app');
    const client = await connectFrames(h.port);
    running.push(client);
    const closed = new Promise((resolve) => client.once('close', resolve));
    client.write(Buffer.concat(frames()));
    const { accounting } = h.dlx.core;
    await h.until(() => accounting.accepted === live.count + others.length + accepted, 'it is accepted');
    setImmediate(() => client.end());
    await closed;
    await finishAll(others);
    await ended(others.length + accepted);
  });
});

test('an offer that is ignored, behind a request that is held, of a client that has ended its side', async () => {
  const app = await startUpstream();
  h.scaler.set({ name: 'web' });
  const offer = 'connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAM\r\n';
  const client = endOf(await h.raw(''));
  client.socket.write(`GET /1 HTTP/1.1\r\nhost: web\r\n\r\nGET /2 HTTP/1.1\r\nhost: web\r\n${offer}\r\n`);
  client.socket.end();
  (await h.scaler.call(0)).ok();
  h.scaler.endpoints('web', [app.endpoint]);
  await h.until(() => h.dlx.core.accounting.outcomes['client-gone'] === 1, 'it has left, and nothing of it is sent');
  expect(app.seen).toEqual([]);
  client.socket.destroy();
  await ended(h.dlx.core.accounting.accepted - live.count);
});

test.each(['xn--a.example', 'host.999', 'fe80::1%lo', 'a_b', '1.2.3.4.5'])(
  'an endpoint by the address %s refuses its own requests, and no others',
  async (address) => {
    h.scaler.endpoints('web', [endpoint(1, address)]);
    h.scaler.set({ name: 'web', phase: 'awake' });
    const statuses = [(await h.send()).status, (await ask(connectHttp2(h.port), { ':path': '/' })).status];
    const client = endOf(await h.raw('GET / HTTP/1.1\r\nhost: web\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'));
    await client.hears('HTTP/1.1 50');
    for (const status of statuses) expect([502, 503, 504]).toContain(status);
    client.socket.destroy();
    const { accounting } = h.dlx.core;
    await live.finish();
    await h.until(() => accounting.ended() === accounting.accepted, 'every request has its outcome');
    expect(accounting.outcomes.forwarded).toBe(live.count);
  },
);
