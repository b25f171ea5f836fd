import { once } from 'node:events';
import { type ClientHttp2Session, constants } from 'node:http2';
import { expect, test } from '@jest/globals';
import { createShutdown } from '@scaler/runtime';
import { systemClock } from '@scaler/scaler-types';
import { silentLogger } from '@scaler/testing-kit';
import { block, frame, preface } from '../testing/frames.ts';
import { drainTimes, startAwake, startHarness } from '../testing/harness.ts';
import { ask, connectHttp2, open2, startHttp2App } from '../testing/http2.ts';
import { freePort } from '../testing/upstream.ts';

const proper: [string, string][] = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':path', '/'],
  [':authority', 'web'],
];
const without = (name: string): [string, string][] => proper.filter(([known]) => known !== name);
const instead = (name: string, value: string): [string, string][] =>
  proper.map((field) => (field[0] === name ? [name, value] : field));

test('what may be taken for two things is refused, and nothing of it is heard upstream', async () => {
  const app = await startHttp2App();
  const h = await startAwake([app]);
  const refused: [[string, string][], string, number?][] = [
    [[...proper, ['host', 'other']], ':authority names another host than Host does'],
    [instead(':authority', 'web:99999'), 'not a Host'],
    [instead(':scheme', 'ftp'), 'the scheme "ftp" is not HTTP'],
    [[[':method', 'OPTIONS'], ...instead(':path', '*').slice(1)], 'cannot forward the request target "*"'],
    [
      [
        [':method', 'CONNECT'],
        [':authority', 'web:80'],
      ],
      'CONNECT is not supported',
      501,
    ],
    [[...proper, ['expect', 'more']], 'Expect "more": only 100-continue is known', 417],
    [[...proper, ['x-scaler-hop', 'default/web']], 'came back to default/web from its own endpoint', 508],
  ];
  for (const [fields, detail, status = 400] of refused) {
    const socket = await h.raw('');
    let heard = '';
    socket.on('data', (chunk: Buffer) => (heard += chunk.toString('latin1')));
    socket.write(Buffer.concat([preface, frame(1, 5, 1, block(...fields))]));
    await h.until(() => /\{".*\}/.test(heard), detail);
    expect(JSON.parse(heard.slice(heard.indexOf('{"'), heard.lastIndexOf('}') + 1))).toMatchObject({ status, detail });
    socket.destroy();
  }
  expect(app.seen).toEqual([]);
  await h.end({ 'bad-request': 6, 'no-route': 1 });
});

test('fields that concern a connection, and what is malformed, are reset before they are a request', async () => {
  const app = await startHttp2App();
  const h = await startAwake([app]);
  const malformed: [string, string][][] = [
    [...proper, ['connection', 'close']],
    [...proper, ['transfer-encoding', 'chunked']],
    [...proper, ['upgrade', 'h2c']],
    [...proper, ['keep-alive', '1']],
    [...proper, ['proxy-connection', 'close']],
    [...proper, ['te', 'gzip']],
    [...proper, ['X-Upper', 'a']],
    [...proper, ['host', 'web'], ['host', 'web']],
    [...proper, ['content-length', '1']],
    [...proper, [':path', '/two']],
    instead(':authority', 'a@web'),
    instead(':authority', ''),
    without(':authority'),
    instead(':path', ''),
    instead(':path', 'http://web/'),
    instead(':path', '/a b'),
    without(':method'),
    [[':method', 'CONNECT'], [':protocol', 'websocket'], ...proper.slice(1)],
  ];
  for (const fields of malformed) {
    const socket = await h.raw('');
    let heard = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => (heard = Buffer.concat([heard, chunk])));
    socket.write(Buffer.concat([preface, frame(1, 5, 1, block(...fields))]));
    const reset = frame(3, 0, 1, Buffer.from([0, 0, 0, constants.NGHTTP2_PROTOCOL_ERROR]));
    await h.until(() => heard.includes(reset), JSON.stringify(fields.at(-1)));
    socket.destroy();
  }
  expect(app.seen).toEqual([]);
  await h.end({});
});

test('paths, methods and fields pass as they are, but for what could be split in two', async () => {
  const app = await startHttp2App();
  const h = await startAwake([app]);
  const socket = await h.raw('');
  let heard = '';
  socket.on('data', (chunk: Buffer) => (heard += chunk.toString('latin1')));
  const fields: [string, string][] = [
    [':method', 'PURGE'],
    ...instead(':path', '//a/../b/%zz?x').slice(1),
    ['x-split', 'a\r\nhost: b'],
    ['x-nul', 'a\0b'],
    ['x-latin', '\xe9'],
  ];
  socket.write(Buffer.concat([preface, frame(1, 5, 1, block(...fields))]));
  await h.until(() => heard.includes('ok'));
  expect(app.seen).toEqual(['PURGE //a/../b/%zz?x']);
  expect(app.heads[0]).toMatchObject({ 'x-latin': '\xe9' });
  expect(app.heads[0]).not.toHaveProperty('x-split');
  expect(app.heads[0]).not.toHaveProperty('x-nul');
  await h.end({ forwarded: 1 });
});

test('a body that is longer or shorter than it says is reset on both sides', async () => {
  const log: string[] = [];
  const app = await startHttp2App((stream) => {
    stream.resume().on('end', () => log.push(stream.aborted ? 'aborted' : 'ended'));
  });
  const h = await startAwake([app]);
  for (const body of ['ab', 'abcd']) {
    const socket = await h.raw('');
    socket.write(
      Buffer.concat([
        preface,
        frame(1, 4, 1, block([':method', 'POST'], ...proper.slice(1), ['content-length', '3'])),
        frame(0, 1, 1, Buffer.from(body)),
      ]),
    );
    await once(
      socket.on('data', () => {}),
      'data',
    );
  }
  await h.until(() => h.dlx.core.accounting.ended() === 2);
  await h.until(() => app.streams.every(({ closed }) => closed));
  expect(log).not.toContain('ended');
  await h.end({ 'client-gone': 2 });
});

test('each stream counts by itself: bounds hold for many on one connection', async () => {
  const app = await startHttp2App();
  const h = await startHarness();
  h.scaler.set({ name: 'web', holdLimit: 2 });
  const client = connectHttp2(h.port);
  const held = [ask(client, {}), ask(client, {})];
  await h.until(() => h.held() === 2);
  const { status, problem, fields } = await ask(client, {});
  expect([status, problem.code, fields['retry-after']]).toEqual([503, 'overflow', '5']);
  h.scaler.endpoints('web', [app.endpoint]);
  h.scaler.calls[0]?.ok();
  expect((await Promise.all(held)).map(({ body }) => body)).toEqual(['ok', 'ok']);
  await h.end({ forwarded: 2, overflow: 1 });
});

test('hundreds held on one connection with bodies of 60 KB are all answered', async () => {
  const app = await startHttp2App((stream) => {
    let got = 0;
    stream.on('data', (chunk: Buffer) => (got += chunk.length));
    stream.on('end', () => {
      stream.respond({ ':status': 200 });
      stream.end(String(got));
    });
  });
  const h = await startHarness();
  h.scaler.set({ name: 'web' });
  const client = connectHttp2(h.port, { maxSessionMemory: 100 });
  const body = Buffer.alloc(60_000);
  const answers = Array.from({ length: 500 }, () => ask(client, { ':method': 'POST' }, body));
  await h.until(() => h.held() === 500);
  h.scaler.endpoints('web', [app.endpoint]);
  h.scaler.calls[0]?.ok();
  expect(new Set((await Promise.all(answers)).map((answer) => answer.body))).toEqual(new Set(['60000']));
  await h.end({ forwarded: 500 });
});

test('a client that opens and cancels without end is shown the door', async () => {
  const h = await startHarness();
  h.scaler.set({ name: 'web' });
  const socket = await h.raw('');
  socket.resume().on('error', () => {});
  let goes = true;
  socket.on('close', () => (goes = false));
  socket.write(preface);
  for (let id = 1; goes && id < 20_000; id += 2) {
    const cancel = frame(3, 0, id, Buffer.from([0, 0, 0, constants.NGHTTP2_CANCEL]));
    socket.write(Buffer.concat([frame(1, 4, id, block(...proper)), cancel]));
    if (id % 101 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await h.until(() => !goes);
  const { accounting } = h.dlx.core;
  await h.until(() => accounting.ended() === accounting.accepted && accounting.held === 0);
  expect(accounting.accepted).toBeLessThan(2000);
  await h.end({ 'client-gone': accounting.accepted });
});

/** GOAWAYs that a client hears: their last streams. */
function farewells(client: ClientHttp2Session): number[] {
  const last: number[] = [];
  client.on('goaway', (_code, lastStream) => last.push(lastStream));
  return last;
}

test("outside 'always' an awake resource's clients are asked to come anew, and lose nothing of what is under way", async () => {
  let finish = (): void => {};
  const app = await startHttp2App((stream, head) => {
    stream.respond({ ':status': 200 });
    if (head[':path'] === '/long') finish = () => stream.end('done');
    else stream.end('ok');
  });
  const h = await startHarness();
  const port = await freePort();
  const targets = [{ service: 'web', port: 80, listenPort: port }];
  h.scaler.endpoints('web', [app.endpoint]);
  h.scaler.set({ name: 'web', phase: 'waking', targets });
  await h.until(() => h.dlx.listeners.isListening(port));
  const client = connectHttp2(port);
  const last = farewells(client);
  const long = ask(client, { ':path': '/long' });
  await h.until(() => app.streams.length === 1);
  expect((await ask(client, {})).body).toBe('ok');
  expect(last).toEqual([]);
  h.scaler.set({ name: 'web', phase: 'awake', targets });
  expect((await ask(client, {})).body).toBe('ok');
  await h.until(() => last.length > 0);
  expect(last[0]).toBe(2 ** 31 - 1);
  expect(client.closed).toBe(true);
  finish();
  expect((await long).body).toBe('done');
  await h.until(() => h.dlx.server.connections.size === 0);
  const always = connectHttp2(port);
  h.scaler.set({ name: 'web', phase: 'awake', dlxSeesAll: true, targets });
  expect((await ask(always, {})).body).toBe('ok');
  expect((await ask(always, {})).body).toBe('ok');
  await h.end({ forwarded: 5 });
});

test('requests that were under way to us when we asked the client to go are taken all the same', async () => {
  const app = await startHttp2App();
  const h = await startAwake([app]);
  const socket = await h.raw('');
  let heard = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => (heard = Buffer.concat([heard, chunk])));
  socket.write(Buffer.concat([preface, frame(1, 5, 1, block(...proper))]));
  await h.until(() => heard.includes('ok'));
  h.dlx.server.leave();
  const notice = frame(7, 0, 0, Buffer.from([0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]));
  await h.until(() => heard.includes(notice));
  heard = Buffer.alloc(0);
  socket.write(frame(1, 5, 3, block(...proper)));
  await h.until(() => heard.includes('ok'));
  await h.end({ forwarded: 2 });
});

test('at the end: farewell, what is under way is finished, the rest is answered 503 or reset', async () => {
  let finish = (): void => {};
  const app = await startHttp2App((stream, head) => {
    stream.respond({ ':status': 200 });
    stream.write('half');
    if (head[':path'] === '/long') finish = () => stream.end('done');
  });
  const h = await startAwake([app]);
  h.scaler.set({ name: 'asleep' });
  const [client, idle] = [connectHttp2(h.port), connectHttp2(h.port)];
  await once(idle, 'remoteSettings');
  const long = ask(client, { ':path': '/long' });
  const half = open2(client, { ':path': '/half' });
  await Promise.all([once(half.stream, 'data'), h.until(() => app.streams.length === 2)]);
  const held = ask(client, { ':authority': 'asleep' });
  await h.until(() => h.held('asleep') === 1);
  const shutdown = createShutdown({ deadlineMs: 10_000, logger: silentLogger, clock: systemClock });
  h.dlx.addDrainSteps(shutdown, drainTimes(300));
  const idleEnds = once(idle, 'close');
  const down = shutdown.run();
  await idleEnds;
  expect([client.closed, client.destroyed]).toEqual([true, false]);
  finish();
  expect((await long).body).toBe('halfdone');
  expect(await held).toMatchObject({ status: 503, problem: { code: 'draining' } });
  expect(await half.answer).toMatchObject({ body: 'half', whole: false, code: constants.NGHTTP2_INTERNAL_ERROR });
  await down;
  expect(h.dlx.server.connections.size).toBe(0);
  await h.end({ forwarded: 1, draining: 2 });
});
