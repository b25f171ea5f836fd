import { afterEach, expect, test } from '@jest/globals';
import { startBystanders } from './testing/bystanders.ts';
import { createRandom, type Random } from './testing/fuzz/random.ts';
import { type Harness, startHarness } from './testing/harness.ts';
import { endOf } from './testing/stream.ts';
import { startTcp } from './testing/upstream.ts';

/** Answers in HTTP/1 that are put together at random: whatever comes, it ends its own exchange, and nothing throws. */

const cases = 600;
const atOnce = 50;

let stop: (() => void) | undefined;
afterEach(() => stop?.());

const names = ['connection', 'keep-alive', 'upgrade', 'te', 'trailer', 'http2-settings', 'proxy-connection', 'host'];
names.push(
  'transfer-encoding',
  'content-length',
  'date',
  'set-cookie',
  'link',
  'constructor',
  '__proto__',
  'x',
  'a'.repeat(300),
);
const values = [
  'close',
  'keep-alive',
  'upgrade',
  'x, upgrade',
  'chunked',
  'gzip',
  '0',
  '1',
  '5',
  '99999999999999999999',
  '-1',
];
values.push(
  '',
  ' ',
  '\t',
  '\xff',
  'a'.repeat(5000),
  'websocket',
  'h2c',
  'x',
  'trailers',
  '</a>; rel=preload',
  '<',
  'x, te, date',
  'a\r\n b',
  'a\x01b',
  '5, 5',
);

function fields(random: Random, most: number): string {
  const lines = Array.from({ length: random.below(most + 1) }, () => {
    const space = random.pick(['', ' ', ' ', ' ', '\t', '  ']);
    return `${random.pick(names)}${random.pick(['', '', '', ' '])}:${space}${random.pick(values)}${random.pick(['\r\n', '\r\n', '\r\n', '\n'])}`;
  });
  return lines.join('');
}

function statusLine(random: Random): string {
  const status = random.pick([
    '200',
    '200',
    '204',
    '304',
    '100',
    '101',
    '102',
    '103',
    String(random.below(1000)).padStart(3, '0'),
  ]);
  const phrase = random.pick([' OK', ' \xe9t\xe9', ' a\tb', '', ' ', ` ${'x'.repeat(200)}`]);
  return `${random.pick(['HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/1.2', 'HTTP/2.0'])} ${status}${phrase}\r\n`;
}

function bodyOf(random: Random): string {
  return random.pick([
    () => 'content-length: 5\r\n\r\nhello',
    () => 'content-length: 5\r\n\r\nhel',
    () => 'content-length: 5\r\n\r\nhello, world',
    () => `date: x\r\ncontent-length: 5\r\n\r\nhello${random.pick(['', 'HTTP/1.1 200 OK\r\n\r\n', '\r\n'])}`,
    () => `transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n${fields(random, 4)}\r\n`,
    () => `trailer: x\r\ntransfer-encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nx: 1\r\n\r\n`,
    () => 'transfer-encoding: chunked\r\n\r\nzz\r\n',
    () => 'upgrade: websocket\r\nconnection: upgrade\r\n\r\n\x82\x01x\x88\x00\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff',
    () => '\r\nall that comes until the end',
    () => '',
  ])();
}

/** An answer, perhaps behind others that say that it is to come. */
function answer(random: Random): string {
  const informed = Array.from({ length: random.below(3) }, () => `${statusLine(random)}${fields(random, 2)}\r\n`);
  const text = `${random.below(3) === 0 ? informed.join('') : ''}${statusLine(random)}${fields(random, 3)}${bodyOf(random)}`;
  return random.below(10) === 0 ? text.slice(0, random.below(text.length)) : text;
}

function question(random: Random): string {
  const line = `${random.pick(['GET', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS'])} / HTTP/1.${random.pick(['1', '1', '1', '0'])}`;
  const more = random.pick([
    '',
    '',
    'connection: upgrade\r\nupgrade: websocket\r\n',
    'connection: upgrade\r\nupgrade: x\r\ntrailer: y\r\n',
    'content-length: 3\r\nexpect: 100-continue\r\n',
    'transfer-encoding: chunked\r\ntrailer: x\r\n',
  ]);
  return `${line}\r\nhost: web\r\n${more}\r\n`;
}

async function converse(h: Harness, random: Random): Promise<void> {
  const client = endOf(await h.raw(question(random)));
  client.socket.write(random.pick(['', 'abc', '3\r\nabc\r\n0\r\nhost: x\r\ntransfer-encoding: y\r\n\r\n']));
  await h.until(
    () => client.events.length > 0 || /HTTP\/1.1 (101|[2-9])/.test(client.heard()),
    'it is answered or ended',
  );
  if (random.below(2) === 0) client.socket.destroy();
  else client.socket.end();
}

test(`${cases} of them, each beside uploads of others`, async () => {
  const random = createRandom(1);
  const h = await startHarness();
  const others = await startBystanders(h);
  const app = await startTcp((socket) => {
    const text = answer(random);
    const end = random.pick(['end', 'end', 'end', 'end', 'reset', 'stay'] as const);
    socket.once('data', () => {
      socket.write(text, 'latin1');
      if (end === 'end') socket.end();
      if (end === 'reset') setImmediate(() => socket.resetAndDestroy());
    });
  });
  stop = app.close;
  h.scaler.endpoints('web', [app.endpoint]);
  h.scaler.set({ name: 'web', phase: 'awake', responseTimeoutMs: 300, idleTimeoutMs: 300 });
  for (let i = 0; i < cases; i += atOnce) await Promise.all(Array.from({ length: atOnce }, () => converse(h, random)));
  const { accounting } = h.dlx.core;
  await h.until(() => accounting.ended() === accounting.accepted - others.count, 'each has its outcome');
  await others.finish();
  for (const ended of ['request', 'connection']) {
    for (const namespace of ['', 'default']) {
      expect(await h.metric(`dlx_faults_total{ended="${ended}",namespace="${namespace}"}`)).toBe(0);
    }
  }
  expect(accounting.outcomes.forwarded).toBeGreaterThan(others.count + cases / 10);
}, 60_000);
