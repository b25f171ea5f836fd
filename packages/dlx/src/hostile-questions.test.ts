import { expect, test } from '@jest/globals';
import { startBystanders } from './testing/bystanders.ts';
import { createRandom, type Random } from './testing/fuzz/random.ts';
import { type Harness, startHarness } from './testing/harness.ts';
import { endOf } from './testing/stream.ts';
import { startUpstream } from './testing/upstream.ts';

/** Questions in HTTP/1 that are put together at random, pipelined, and broken off anywhere: nothing throws. */

const cases = 600;
const atOnce = 50;

const lines = [
  'GET / HTTP/1.1',
  'GET / HTTP/1.1',
  'POST /a HTTP/1.1',
  'HEAD / HTTP/1.1',
  'GET / HTTP/1.0',
  'CONNECT web:80 HTTP/1.1',
];
lines.push(
  'OPTIONS * HTTP/1.1',
  'GET http://web/ HTTP/1.1',
  'GET http://[ HTTP/1.1',
  'GET // HTTP/1.1',
  'GET /%zz?# HTTP/1.1',
  'PRI * HTTP/2.0',
);
lines.push(
  'GET / HTTP/0.9',
  'M-SEARCH / HTTP/1.1',
  'NONE / HTTP/1.1',
  'GET /\xff HTTP/1.1',
  `GET /${'a'.repeat(20_000)} HTTP/1.1`,
  '',
);
const hosts = [
  'web',
  'web',
  'web',
  'asleep',
  'asleep',
  'unknown',
  'we b',
  '[::',
  'web:99999',
  'xn--a',
  '',
  '\xff',
  'web.default',
];
const fields = [
  'connection: close',
  'connection: keep-alive, x',
  'connection: upgrade',
  'upgrade: h2c',
  'upgrade: websocket',
  'te: trailers',
];
fields.push(
  'te: trailers, gzip',
  'trailer: x',
  'http2-settings: AAM',
  'expect: 100-continue',
  'expect: \xff',
  'content-length: 3',
);
fields.push(
  'content-length: 99999999999999999',
  'transfer-encoding: chunked',
  'transfer-encoding: gzip',
  'forwarded: for="[::',
  'x-forwarded-for: a, b',
);
fields.push(
  'x-scaler-hop: default/web',
  'x-scaler-target: a/b',
  'cookie: a',
  '__proto__: 1',
  'constructor: 1',
  'user-agent: kube-probe/1',
  ': x',
  'a b: c',
);
const bodies = [
  '',
  '',
  'abc',
  '3\r\nabc\r\n0\r\n\r\n',
  '3;x="\r\nabc\r\n0\r\nhost: x\r\n\r\n',
  'zz\r\n',
  '\0\xff',
  'a'.repeat(70_000),
];

function question(random: Random): string {
  const some = Array.from({ length: random.below(3) }, () => `${random.pick(fields)}\r\n`);
  const host = random.oneIn(20) ? '' : `host: ${random.oneIn(2) ? 'web' : random.pick(hosts)}\r\n`;
  return `${random.oneIn(2) ? lines[0] : random.pick(lines)}\r\n${host}${some.join('')}\r\n${random.oneIn(2) ? '' : random.pick(bodies)}`;
}

async function converse(h: Harness, random: Random): Promise<void> {
  const text = Array.from({ length: 1 + random.below(4) }, () => question(random)).join('');
  const cut = random.oneIn(5) ? text.slice(0, random.below(text.length)) : text;
  const client = endOf(await h.raw(''));
  const at = random.below(cut.length);
  client.socket.write(cut.slice(0, at), 'latin1');
  if (random.oneIn(2)) await new Promise((resolve) => setImmediate(resolve));
  client.socket.write(cut.slice(at), 'latin1');
  const end = random.pick(['end', 'reset', 'wait', 'wait'] as const);
  if (end === 'reset') client.socket.resetAndDestroy();
  if (end === 'end') client.socket.end();
  // Not for long: what was said may be no question at all.
  const endsAtMs = performance.now() + 200;
  if (end !== 'reset') {
    await h.until(() => client.heard() !== '' || client.events.length > 0 || performance.now() > endsAtMs);
  }
  client.socket.destroy();
}

test(`${cases} of them, beside uploads of others`, async () => {
  const random = createRandom(1);
  const h = await startHarness({ settings: { holdTimeoutMs: 300 } });
  const others = await startBystanders(h);
  const app = await startUpstream((_req, res, text) => res.end(text));
  h.scaler.endpoints('web', [app.endpoint]);
  h.scaler.set({ name: 'web', phase: 'awake' });
  h.scaler.set({ name: 'asleep' });
  for (let i = 0; i < cases; i += atOnce) await Promise.all(Array.from({ length: atOnce }, () => converse(h, random)));
  const { accounting } = h.dlx.core;
  await h.until(() => accounting.ended() === accounting.accepted - others.count, 'each has its outcome');
  await others.finish();
  for (const ended of ['request', 'connection']) {
    for (const namespace of ['', 'default']) {
      expect(await h.metric(`dlx_faults_total{ended="${ended}",namespace="${namespace}"}`)).toBe(0);
    }
  }
  expect(accounting.outcomes.forwarded).toBeGreaterThan(others.count);
}, 60_000);
