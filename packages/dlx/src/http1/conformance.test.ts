import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Endpoint } from '@scaler/scaler-types';
import { forwardedElement } from '../head/head.ts';
import { type Harness, type HarnessOptions, startHarness } from '../testing/harness.ts';
import { type Recorder, startRecorder } from '../testing/recorder.ts';
import { ScriptedScaler } from '../testing/scripted-scaler.ts';
import { type End, endOf, startRawApp } from '../testing/stream.ts';

async function awake(endpoint: Endpoint, options: HarnessOptions = {}): Promise<Harness> {
  const h = await startHarness({ scaler: new ScriptedScaler({ auto: true }), ...options });
  h.scaler.endpoints('web', [endpoint]);
  h.scaler.set({ name: 'web', phase: 'awake' });
  return h;
}

/** A raw client; bytes are latin1. */
async function client(h: Harness, text: string): Promise<End> {
  const end = endOf(await h.raw(''));
  end.socket.write(text, 'latin1');
  return end;
}

const get = 'GET / HTTP/1.1\r\nhost: web\r\n\r\n';
const line = (requestLine: string, fields = ''): string => `${requestLine}\r\nhost: web\r\n${fields}\r\n`;

describe('a request', () => {
  let app: Recorder;
  beforeEach(async () => {
    app = await startRecorder();
  });
  afterEach(() => app.close());

  /** Sends it, and returns what the app got. */
  async function through(text: string, options: HarnessOptions = {}): Promise<{ head: string[]; body: string }> {
    const h = await awake(app.endpoint, options);
    const { hears, socket } = await client(h, text);
    await hears('HTTP/1.1 200 OK');
    socket.end();
    await h.end({ forwarded: 1 });
    expect(app.violations).toEqual([]);
    const [request] = app.requests;
    const { method = '', target = '', fields = [], body = '' } = request ?? {};
    return { head: [`${method} ${target}`, ...fields.map(([name, value]) => `${name}: ${value}`)], body };
  }

  const untold = { settings: { trustForwarded: false } };
  const added = [
    'x-forwarded-for: 127.0.0.1',
    'x-forwarded-proto: http',
    'x-forwarded-host: web',
    'x-scaler-hop: default/web',
  ];

  test.each([
    ['/%zz'],
    ['//a/../b'],
    ['/?x=%00'],
    ['/a;b=c/./d?e#f'],
    ['/a\\b"<>^`{|}'],
    ['/of 30 KB', `/${'long/'.repeat(6000)}`],
  ])('keeps its target byte for byte: %s', async (name, target = name) => {
    expect((await through(line(`GET ${target} HTTP/1.1`))).head[0]).toBe(`GET ${target}`);
  });

  test.each(['PURGE', 'M-SEARCH', 'QUERY', 'REPORT', 'TRACE', 'LINK', 'HEAD', 'PATCH'])(
    'keeps its method: %s',
    async (method) => {
      expect((await through(line(`${method} /x HTTP/1.1`))).head[0]).toBe(`${method} /x`);
    },
  );

  test('keeps order, case and repetition of its fields, and every byte of their values', async () => {
    const fields = [
      'B-Field: 1',
      'a-FIELD: 2',
      'Cookie: a=1',
      'b-field:  3\t',
      'Cookie: b=2',
      'X-Bytes: \xff\x80 "é"',
      'X-None:',
    ];
    const { head } = await through(line('GET / HTTP/1.1', fields.map((field) => `${field}\r\n`).join('')));
    // undici writes its own `connection` among them.
    const kept = head.filter((field) => !/^(?:connection|x-forwarded-\w+|x-scaler-hop):/i.test(field));
    expect(kept).toEqual([
      'GET /',
      'host: web',
      'B-Field: 1',
      'a-FIELD: 2',
      'Cookie: a=1',
      'b-field: 3',
      'Cookie: b=2',
      'X-Bytes: \xff\x80 "é"',
      'X-None: ',
    ]);
  });

  test('leaves what concerns its connection only behind, and what Connection names (RFC 9110 §7.6.1)', async () => {
    const fields =
      'Connection: close, X-One\r\nX-One: 1\r\nconnection: x-TWO , upgrade\r\nx-two: 2\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\n' +
      'TE: gzip\r\nUpgrade: h2c\r\nHTTP2-Settings: AAM\r\nX-Three: 3\r\nProxy-Authorization: Basic eA==\r\n';
    const { head } = await through(line('GET / HTTP/1.1', fields));
    const names = head.slice(1).map((field) => field.split(':')[0]?.toLowerCase());
    expect(names.sort()).toEqual(
      [
        'connection',
        'host',
        'proxy-authorization',
        'x-forwarded-for',
        'x-forwarded-host',
        'x-forwarded-proto',
        'x-scaler-hop',
        'x-three',
      ].sort(),
    );
    expect(head).toContain('connection: keep-alive');
  });

  test('cannot rid itself of Host, its length, or what the DLX says by naming it in Connection', async () => {
    const { head, body } = await through(
      'POST / HTTP/1.1\r\nHost: web\r\nConnection: host, content-length, x-forwarded-for, x-scaler-hop, x-forwarded-host, forwarded\r\n' +
        'Content-Length: 5\r\nX-Scaler-Hop: default/other\r\nX-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\n\r\nhello',
    );
    expect(head.map((field) => field.toLowerCase())).toEqual(
      expect.arrayContaining([
        'host: web',
        'content-length: 5',
        'x-forwarded-for: 6.6.6.6, 127.0.0.1',
        'x-forwarded-host: web',
        'forwarded: for=6.6.6.6, for=127.0.0.1;host=web;proto=http',
        'x-scaler-hop: default/other, default/web',
      ]),
    );
    expect(body).toBe('hello');
  });

  test('cannot hide from the loop check by naming the hop field in Connection', async () => {
    const h = await awake(app.endpoint);
    const { hears } = await client(
      h,
      line('GET / HTTP/1.1', 'connection: x-scaler-hop\r\nx-scaler-hop: default/web\r\n'),
    );
    await hears('HTTP/1.1 508');
    await h.end({ 'no-route': 1 });
  });

  test('is named by X-Forwarded, and by Forwarded only if it was there', async () => {
    expect((await through(get)).head).toEqual(expect.arrayContaining(added));
    expect(app.text.toLowerCase()).not.toContain('\r\nforwarded:');
  });

  test('that was forwarded before is added to, if that is trusted', async () => {
    const fields =
      'Forwarded: for=192.0.2.1;proto=https\r\nX-Forwarded-For: 192.0.2.1\r\nForwarded: for="[2001:db8::1]"\r\nX-Forwarded-For: 192.0.2.2\r\n' +
      'X-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.example\r\nX-Forwarded-Port: 443\r\n';
    const { head } = await through(`GET / HTTP/1.1\r\nHost: web:80\r\n${fields}\r\n`);
    expect(head.filter((field) => /forwarded/i.test(field)).sort()).toEqual([
      'X-Forwarded-Port: 443',
      'forwarded: for=192.0.2.1;proto=https, for="[2001:db8::1]", for=127.0.0.1;host="web:80";proto=http',
      'x-forwarded-for: 192.0.2.1, 192.0.2.2, 127.0.0.1',
      'x-forwarded-host: shop.example',
      'x-forwarded-proto: https',
    ]);
  });

  test('that claims to have been forwarded before is not believed otherwise', async () => {
    const fields =
      'Forwarded: for=6.6.6.6\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: bank\r\nx-forwarded-PORT: 443\r\nX-Forwarded-Prefix: /a\r\n';
    const { head } = await through(line('GET / HTTP/1.1', fields), untold);
    expect(head.filter((field) => /forwarded/i.test(field))).toEqual(added.slice(0, 3));
  });

  test.each([
    ['192.0.2.7', 'web', 'for=192.0.2.7;host=web;proto=http'],
    ['2001:db8::7', 'web:80', 'for="[2001:db8::7]";host="web:80";proto=http'],
    ['::1', '[::1]:80', 'for="[::1]";host="[::1]:80";proto=http'],
    ['unknown', undefined, 'for=unknown;proto=http'],
    ['127.0.0.1', 'a"b\\c', 'for=127.0.0.1;host="a\\"b\\\\c";proto=http'],
  ])('from %s for %s is %s in Forwarded', (from, host, element) => {
    expect(forwardedElement(from, host)).toBe(element);
  });

  test('keeps its Host as it came, and one in HTTP/1.0 without any is given the endpoint’s address', async () => {
    const h = await awake(app.endpoint);
    h.scaler.set({ name: 'web', phase: 'awake', targets: [{ service: 'web', port: 80, routes: [{ host: '*' }] }] });
    for (const head of ['GET /1 HTTP/1.1\r\nHOST: WEB.default.:80\r\n\r\n', 'GET /2 HTTP/1.0\r\n\r\n']) {
      const { hears, socket } = await client(h, head);
      await hears('200 OK');
      socket.end();
    }
    await h.end({ forwarded: 2 });
    const hosts = app.requests.map(({ fields }) => fields.filter(([name]) => name.toLowerCase() === 'host'));
    const { address, port } = app.endpoint;
    expect(hosts).toEqual([[['host', 'WEB.default.:80']], [['host', `${address}:${port}`]]]);
  });

  test('gets its trailers read, which are not sent on, and its Expect asked of the app', async () => {
    const h = await awake(app.endpoint);
    const fields = 'transfer-encoding: chunked\r\nexpect: 100-continue\r\ntrailer: x-sum\r\n';
    const { hears, socket } = await client(h, line('POST / HTTP/1.1', fields));
    // The app says nothing: a client need not wait for ever.
    socket.write('5\r\nhello\r\n0\r\nx-sum: 42\r\n\r\n');
    await hears('200 OK');
    socket.end();
    expect([app.requests[0]?.body, /x-sum: 42/.test(app.text), /expect/.test(app.text)]).toEqual([
      'hello',
      false,
      true,
    ]);
    await h.end({ forwarded: 1 });
  });

  test('may have a head of 60 KB; one of 70 KB is answered 431', async () => {
    const h = await awake(app.endpoint);
    const fields = (bytes: number): string => `x-large: ${'a'.repeat(bytes)}\r\n`;
    const { hears, socket } = await client(h, line('GET / HTTP/1.1', fields(60_000)));
    await hears('HTTP/1.1 200 OK');
    socket.write(line('GET / HTTP/1.1', fields(70_000)));
    await hears('HTTP/1.1 431 Request Header Fields Too Large\r\n');
    socket.end();
    await h.end({ forwarded: 1, 'bad-request': 1 });
  });
});

describe('a request’s body', () => {
  test.each([
    ['with a length', 'content-length: 11\r\n', 'hello ', 'world', 'world'],
    ['in chunks', 'transfer-encoding: chunked\r\n', '6\r\nhello \r\n', '5\r\nworld\r\n0\r\n\r\n', '0\r\n\r\n'],
  ])('%s: its first byte reaches the app before its last was sent', async (_, framing, first, rest, last) => {
    const app = await startRawApp();
    const h = await awake(app.endpoint);
    const { socket, hears } = await client(h, line('POST / HTTP/1.1', framing) + first);
    const upstream = await app.head(0);
    await upstream.hears('hello ');
    expect(upstream.heard()).not.toContain('world');
    socket.write(rest);
    await upstream.hears(last);
    upstream.socket.write('HTTP/1.1 204 No Content\r\n\r\n');
    await hears('204');
    socket.end();
    await h.end({ forwarded: 1 });
  });

  test('may be answered before it was sent, and what is left of it is no next request', async () => {
    const app = await startRawApp();
    const h = await awake(app.endpoint);
    const { socket, hears, heard } = await client(h, line('POST /1 HTTP/1.1', 'content-length: 1000000\r\n') + 'begin');
    const upstream = await app.head(0);
    await upstream.hears('begin');
    upstream.socket.write('HTTP/1.1 413 Too Much\r\ncontent-length: 2\r\n\r\nno');
    await hears('HTTP/1.1 413 Too Much');
    await hears('no');
    socket.write('x'.repeat(999_995));
    socket.write(line('GET /2 HTTP/1.1'));
    const second = await app.head(1);
    expect(second.heard()).toContain('GET /2 HTTP/1.1\r\n');
    second.socket.write('HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nyes');
    await hears('yes');
    expect(heard().match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 413', 'HTTP/1.1 200']);
    socket.end();
    await h.end({ forwarded: 2 });
  });
});

describe('an answer', () => {
  /** Lets a raw app answer a request, and returns what its client heard until the end or until it heard enough. */
  async function answered(
    text: string,
    { request = get, enough = '\r\n\r\n', close = false }: { request?: string; enough?: string; close?: boolean } = {},
  ): Promise<{ heard: string; events: string[] }> {
    const app = await startRawApp();
    const h = await awake(app.endpoint);
    const asked = await client(h, request);
    const upstream = await app.head(0);
    upstream.socket.write(text, 'latin1');
    if (close) upstream.socket.end();
    await (close ? asked.saw('end') : asked.hears(enough));
    asked.socket.end();
    await h.end({ forwarded: 1 });
    return { heard: asked.heard(), events: asked.events };
  }

  test('keeps order, case and repetition of its fields, and every byte of their values and its phrase', async () => {
    const fields = 'X-B: 1\r\nx-a: 2\r\nSet-Cookie: a=1; Path=/\r\nX-b: 3\r\nSet-Cookie: b=2\r\nX-Bytes: \xff\x80\r\n';
    const { heard } = await answered(`HTTP/1.1 299 Sort Of\r\n${fields}Content-Length: 2\r\n\r\nok`, { enough: 'ok' });
    expect(heard).toContain(`HTTP/1.1 299 Sort Of\r\n${fields}Content-Length: 2\r\n`);
  });

  test('leaves what concerns its connection only behind, and what Connection names', async () => {
    const { heard } = await answered(
      'HTTP/1.1 200 OK\r\nConnection: X-One\r\nX-One: 1\r\nConnection: keep-alive, x-two, content-length\r\nX-Two: 2\r\nKeep-Alive: timeout=9\r\n' +
        'Proxy-Connection: a\r\nX-Three: 3\r\nUpgrade: h2\r\nContent-Length: 2\r\n\r\nok',
      { enough: 'ok' },
    );
    expect(heard.toLowerCase()).not.toMatch(/x-one|x-two|timeout=9|proxy-connection|upgrade/);
    expect(heard).toContain('X-Three: 3\r\n');
  });

  test.each([
    ['204', 'HTTP/1.1 204 No Content\r\nx-a: 1\r\n\r\n', get],
    [
      '304 that tells the length it would have',
      'HTTP/1.1 304 Not Modified\r\ncontent-length: 10\r\netag: "a"\r\n\r\n',
      get,
    ],
    ['200 to HEAD, with a length', 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n', line('HEAD / HTTP/1.1')],
    ['200 to HEAD, in chunks', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n', line('HEAD / HTTP/1.1')],
  ])('without a body has none, and the next one follows it: %s', async (_, text, request) => {
    const app = await startRawApp();
    const h = await awake(app.endpoint);
    const { socket, heard, hears } = await client(h, request);
    (await app.head(0)).socket.write(text);
    await hears('\r\n\r\n');
    socket.write(line('GET /next HTTP/1.1'));
    await h.until(() => app.ends.some((end) => end.heard().includes('/next')));
    app.ends
      .find((end) => end.heard().includes('/next'))
      ?.socket.write('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nnext');
    await hears('next');
    expect(heard().split('\r\n\r\n')).toHaveLength(3);
    expect(heard().split('\r\n\r\n')[1]).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    if (text.includes('content-length')) expect(heard()).toMatch(/^HTTP\/1\.1 \d+ [^]*?content-length: 10\r\n/i);
    socket.end();
    await h.end({ forwarded: 2 });
  });

  test('may be said more of in advance: 103 is passed on each time', async () => {
    const hint = (name: string): string =>
      `HTTP/1.1 103 Early Hints\r\nlink: </${name}>; rel=preload\r\nx-more: 1\r\n\r\n`;
    const { heard } = await answered(`${hint('a')}${hint('b')}HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok`, {
      enough: 'ok',
    });
    const heads = heard.split('\r\n\r\n');
    expect(heads.map((head) => head.split('\r\n')[0])).toEqual([
      'HTTP/1.1 103 Early Hints',
      'HTTP/1.1 103 Early Hints',
      'HTTP/1.1 200 OK',
      'ok',
    ]);
    expect([heads[0]?.toLowerCase(), heads[1]?.toLowerCase()]).toEqual([
      expect.stringContaining('link: </a>; rel=preload'),
      expect.stringContaining('link: </b>; rel=preload'),
    ]);
  });

  test('may have trailers, which are passed on', async () => {
    const { heard } = await answered(
      'HTTP/1.1 200 OK\r\ntrailer: x-sum\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 42\r\nx-bytes: \xff\r\n\r\n',
      { enough: 'x-bytes: \xff\r\n\r\n' },
    );
    expect(heard).toMatch(/\r\n0\r\nX-Sum: 42\r\nx-bytes: \xff\r\n\r\n$/);
  });

  test('without a length ends with its connection, and is complete', async () => {
    const { heard } = await answered('HTTP/1.1 200 OK\r\nx-a: 1\r\n\r\nhello world', {
      request: line('GET / HTTP/1.1', 'connection: close\r\n'),
      close: true,
    });
    expect(heard).toMatch(/transfer-encoding: chunked/i);
    expect(heard).toMatch(/\r\nhello world\r\n0\r\n\r\n$/);
  });

  test.each([
    ['a length', 'content-length: 5\r\n\r\nhel', 'lo'],
    ['chunks', 'transfer-encoding: chunked\r\n\r\n3\r\nhel\r\n', '2\r\nlo\r\n0\r\n\r\n'],
    ['no length', '\r\nhel', 'lo'],
  ])(
    'to a client in HTTP/1.0 is never in chunks, and is the last unless it was asked otherwise: %s',
    async (_, a, b) => {
      const app = await startRawApp();
      const h = await awake(app.endpoint);
      const asked = await client(h, line('GET / HTTP/1.0'));
      const { socket } = await app.head(0);
      socket.write(`HTTP/1.1 200 OK\r\n${a}`);
      await asked.hears('hel');
      socket.write(b);
      socket.end();
      await asked.saw('end');
      asked.socket.end();
      const [head = '', body] = asked.heard().split('\r\n\r\n');
      expect(body).toBe('hello');
      expect(head.toLowerCase()).not.toContain('transfer-encoding');
      expect(head.toLowerCase()).toContain('connection: close');
      await h.end({ forwarded: 1 });
    },
  );

  test('to a client in HTTP/1.0 that asked to keep the connection leaves it open if it has a length', async () => {
    const { heard, events } = await answered('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello', {
      request: line('GET / HTTP/1.0', 'connection: keep-alive\r\n'),
      enough: 'hello',
    });
    expect(heard.toLowerCase()).toContain('connection: keep-alive');
    expect(events).toEqual([]);
  });

  test.each([
    [
      'server-sent events',
      'content-type: text/event-stream\r\ntransfer-encoding: chunked\r\n',
      (t: string) => `${t.length.toString(16)}\r\n${t}\r\n`,
    ],
    ['chunks', 'transfer-encoding: chunked\r\n', (t: string) => `${t.length.toString(16)}\r\n${t}\r\n`],
    ['a length', 'content-length: 1000\r\n', (t: string) => t],
    ['the end of the connection', '', (t: string) => t],
  ])('is passed on part by part: %s', async (_, framing, encode) => {
    const app = await startRawApp();
    const h = await awake(app.endpoint);
    const { socket, hears } = await client(h, get);
    const upstream = await app.head(0);
    upstream.socket.write(`HTTP/1.1 200 OK\r\n${framing}\r\n`);
    await hears('HTTP/1.1 200 OK');
    for (const part of ['data: 1\n\n', 'data: 2\n\n']) {
      upstream.socket.write(encode(part));
      await hears(part);
    }
    socket.destroy();
    await h.until(() => upstream.events.length > 0, 'the app hears of it');
    await h.end({ 'client-gone': 1 });
  });

  test.each([
    ['a length', 'content-length: 10\r\n\r\nhello', get, false],
    ['chunks', 'transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n', get, false],
    [
      'chunks, to a client in HTTP/1.0, which would take any end for the end',
      'transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n',
      line('GET / HTTP/1.0'),
      false,
    ],
    ['a length, by a reset', 'content-length: 10\r\n\r\nhello', get, true],
    ['chunks, by a reset', 'transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n', get, true],
    ['no length, by a reset', '\r\nhello', get, true],
    ['a malformed chunk', 'transfer-encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n', get, false],
  ])('that breaks off ends in a reset, never in a clean end: %s', async (_, text, request, reset) => {
    const app = await startRawApp();
    const h = await awake(app.endpoint);
    const { hears, saw, events } = await client(h, request);
    const upstream = await app.head(0);
    upstream.socket.write(`HTTP/1.1 200 OK\r\n${text}`);
    await hears('hello');
    if (reset) upstream.socket.resetAndDestroy();
    else upstream.socket.end();
    await saw('close');
    expect(events).toEqual(['reset', 'close']);
    await h.end({ 'upstream-reset': 1 });
  });

  test.each([
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!'],
    ['another coding', 'HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'],
    ['no HTTP', 'SSH-2.0-OpenSSH_9.9\r\n'],
  ])('that has no one reading is not passed on: %s', async (_, text) => {
    const app = await startRawApp();
    const h = await awake(app.endpoint);
    const { hears, heard, socket } = await client(h, line('POST / HTTP/1.1', 'content-length: 0\r\n'));
    (await app.head(0)).socket.write(text);
    await hears('HTTP/1.1 502 Bad Gateway');
    await hears('"code":"upstream-reset"');
    expect(heard()).not.toMatch(/hello|OpenSSH/);
    socket.end();
    await h.end({ 'upstream-reset': 1 });
  });

  test('and bytes that the app sends unasked behind it answer no request', async () => {
    const app = await startRawApp();
    const h = await awake(app.endpoint);
    const { hears, heard, socket } = await client(h, get);
    const answer = (text: string): string => `HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\n\r\n${text}`;
    (await app.head(0)).socket.write(answer('first') + answer('unasked'));
    await hears('first');
    socket.write(get);
    (await app.head(1)).socket.write(answer('second'));
    await hears('second');
    expect(heard()).not.toContain('unasked');
    socket.end();
    await h.end({ forwarded: 2 });
  });
});
