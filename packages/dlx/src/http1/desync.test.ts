import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Outcome } from '../outcome.ts';
import { type Harness, startHarness } from '../testing/harness.ts';
import { type Recorder, startRecorder } from '../testing/recorder.ts';
import { ScriptedScaler } from '../testing/scripted-scaler.ts';
import { endOf } from '../testing/stream.ts';

let app: Recorder;
let h: Harness;

beforeEach(async () => {
  app = await startRecorder();
  h = await startHarness({ scaler: new ScriptedScaler({ auto: true }) });
  for (const name of ['web', 'api']) {
    h.scaler.endpoints(name, [app.endpoint]);
    h.scaler.set({ name, phase: 'awake' });
  }
});
afterEach(() => app.close());

const get = 'GET / HTTP/1.1\r\nhost: web\r\n\r\n';
/** Comes behind every other: an endpoint that reads the end of the other one wrongly serves it, or serves it as another. */
const next = 'GET /next HTTP/1.1\r\nhost: api\r\nx-next: 1\r\n\r\n';
const post = (fields: string, body = ''): string => `POST / HTTP/1.1\r\nhost: web\r\n${fields}\r\n${body}`;
const chunked = (body: string): string => post('transfer-encoding: chunked\r\n', body);
const line = (requestLine: string, fields = 'host: web\r\n'): string => `${requestLine}\r\n${fields}\r\n`;

interface Said {
  readonly statuses: string[];
  readonly text: string;
}

/** Sends it in one piece, and reads until the DLX closes or has given so many answers. */
async function say(text: string, answers: number): Promise<Said> {
  const { socket, heard, events } = endOf(await h.raw(''));
  socket.write(text, 'latin1');
  const statuses = (): string[] => [...heard().matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => status as string);
  await h.until(
    () => events.includes('end') || events.includes('close') || (answers > 0 && statuses().length >= answers),
  );
  socket.end();
  await h.until(() => events.includes('close'), 'it closes');
  return { statuses: statuses(), text: heard() };
}

async function end(outcomes: Partial<Record<Outcome, number>>): Promise<void> {
  await h.end(outcomes);
  expect(app.violations).toEqual([]);
}

/** What the app got, in short: method, target, body. */
const seen = (): string[] => app.requests.map(({ method, target, body }) => `${method} ${target} ${body}`.trim());

describe('is refused once, and nothing of it nor of what comes behind it is sent on:', () => {
  test.each([
    // Two framings, or one that is not quite one.
    ['a length and chunks', post('content-length: 3\r\ntransfer-encoding: chunked\r\n', '0\r\n\r\n')],
    ['chunks and a length', post('transfer-encoding: chunked\r\ncontent-length: 3\r\n', '0\r\n\r\n')],
    ['chunked twice', post('transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n', '0\r\n\r\n')],
    ['chunked, then identity', post('transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n', '0\r\n\r\n')],
    ['identity, then chunked', post('transfer-encoding: identity\r\ntransfer-encoding: chunked\r\n', '0\r\n\r\n'), 501],
    ['"chunked, identity"', post('transfer-encoding: chunked, identity\r\n', '0\r\n\r\n')],
    ['"identity, chunked"', post('transfer-encoding: identity, chunked\r\n', '0\r\n\r\n'), 501],
    ['"gzip, chunked"', post('transfer-encoding: gzip, chunked\r\n', '0\r\n\r\n'), 501],
    ['"gzip"', post('transfer-encoding: gzip\r\n', '0\r\n\r\n'), 501],
    ['"identity"', post('transfer-encoding: identity\r\n', '0\r\n\r\n'), 501],
    ['"xchunked"', post('transfer-encoding: xchunked\r\n', '0\r\n\r\n'), 501],
    ['"chunked" in quotes', post('transfer-encoding: "chunked"\r\n', '0\r\n\r\n'), 501],
    ['"chunked,"', post('transfer-encoding: chunked,\r\n', '0\r\n\r\n')],
    ['chunked and a tab', post('transfer-encoding: chunked\t\r\n', '0\r\n\r\n')],
    ['chunked behind a vertical tab', post('transfer-encoding: \vchunked\r\n', '0\r\n\r\n')],
    ['chunked behind a fold', post('transfer-encoding:\r\n chunked\r\n', '0\r\n\r\n')],
    ['a space before the colon of Transfer-Encoding', post('transfer-encoding : chunked\r\n', '0\r\n\r\n')],
    ['an empty Transfer-Encoding', post('transfer-encoding:\r\n')],
    ['chunks in HTTP/1.0', line('POST / HTTP/1.0', 'host: web\r\ntransfer-encoding: chunked\r\n') + '0\r\n\r\n'],
    ['two equal lengths', post('content-length: 5\r\ncontent-length: 5\r\n', 'hello')],
    ['two lengths', post('content-length: 5\r\ncontent-length: 6\r\n', 'hello')],
    ['+5', post('content-length: +5\r\n', 'hello')],
    ['-5', post('content-length: -5\r\n', 'hello')],
    ['5, 5', post('content-length: 5, 5\r\n', 'hello')],
    ['5 5', post('content-length: 5 5\r\n', 'hello')],
    ['0x5', post('content-length: 0x5\r\n', 'hello')],
    ['an empty length', post('content-length:\r\n', 'hello')],
    ['a length of 2^64 + 5', post('content-length: 18446744073709551621\r\n', 'hello')],
    ['a length of 2^53 + 1, which would be rounded', post('content-length: 9007199254740993\r\n', 'hello'), 413],
    ['a space before the colon of Content-Length', post('content-length : 5\r\n', 'hello')],
    // Lines.
    ['a bare LF behind the request line', 'GET / HTTP/1.1\nhost: web\r\n\r\n'],
    ['a bare LF behind a field', 'GET / HTTP/1.1\r\nhost: web\nx: y\r\n\r\n'],
    ['a bare LF at the end of the head', 'GET / HTTP/1.1\r\nhost: web\r\n\n'],
    ['a bare CR in a value', line('GET / HTTP/1.1', 'host: web\r\nx: a\rtransfer-encoding: chunked\r\n')],
    ['a bare CR in a name', line('GET / HTTP/1.1', 'host: web\r\nx\ra: b\r\n')],
    ['a bare CR at the end of the head', 'GET / HTTP/1.1\r\nhost: web\r\n\r\r'],
    ['a fold', line('GET / HTTP/1.1', 'host: web\r\nx: a\r\n b\r\n')],
    ['a fold by a tab', line('GET / HTTP/1.1', 'host: web\r\nx: a\r\n\tb\r\n')],
    ['a space before the first field', 'GET / HTTP/1.1\r\n host: web\r\n\r\n'],
    ['a space before a colon', line('GET / HTTP/1.1', 'host: web\r\nx : a\r\n')],
    ['a field without a colon', line('GET / HTTP/1.1', 'host: web\r\nabc\r\n')],
    ['a field without a name', line('GET / HTTP/1.1', 'host: web\r\n: a\r\n')],
    ['NUL in a value', line('GET / HTTP/1.1', 'host: web\r\nx: a\0b\r\n')],
    ['NUL in a name', line('GET / HTTP/1.1', 'host: web\r\nx\0: a\r\n')],
    ['NUL in the target', line('GET /\0 HTTP/1.1')],
    // Whom it is for.
    ['two Hosts', line('GET / HTTP/1.1', 'host: web\r\nhost: api\r\n')],
    ['two equal Hosts', line('GET / HTTP/1.1', 'host: web\r\nhost: web\r\n')],
    ['no Host', line('GET / HTTP/1.1', '')],
    ['two in one Host', line('GET / HTTP/1.1', 'host: web, api\r\n')],
    ['a Host with a user', line('GET / HTTP/1.1', 'host: web@api\r\n')],
    ['a Host with a path', line('GET / HTTP/1.1', 'host: web/../api\r\n')],
    ['absolute form against Host', line('GET http://api/ HTTP/1.1')],
    ['absolute form with another port than Host', line('GET http://web:81/ HTTP/1.1')],
    ['an authority with a user', line('GET http://api@web/ HTTP/1.1')],
    ['an authority that is a user to some', line('GET http://web:80@api/ HTTP/1.1')],
    ['an authority with a backslash', line('GET http://web\\api/ HTTP/1.1')],
    ['a scheme that is not ours', line('GET ftp://web/ HTTP/1.1')],
    ['an asterisk', line('OPTIONS * HTTP/1.1')],
    ['CONNECT', line('CONNECT web:80 HTTP/1.1'), 501],
    ['CONNECT with a body', line('CONNECT web:80 HTTP/1.1', 'host: web\r\ncontent-length: 5\r\n') + 'hello', 501],
    // Which protocol.
    ['HTTP/0.9 by its shape', 'GET /\r\n\r\n', 505],
    ['HTTP/0.9 by name', line('GET / HTTP/0.9'), 505],
    ['HTTP/2.0 in the line', line('GET / HTTP/2.0'), 505],
    ['HTTP/1.2', line('GET / HTTP/1.2'), 505],
    ['HTTP/1.10', line('GET / HTTP/1.10')],
    ['http/1.1', line('GET / http/1.1')],
    ['a space behind the version', line('GET / HTTP/1.1 ')],
    ['a space in the target', line('GET /a b HTTP/1.1')],
    // Its expression went back over it from each of its characters: 1.2 s for this one.
    ['a URL of 60 KB with a fragment', line(`GET http://${'a'.repeat(60_000)}# HTTP/1.1`)],
    ['tabs in the request line', line('GET\t/\tHTTP/1.1')],
    ['a method in lower case', line('get / HTTP/1.1'), 501],
    ['TLS', '\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03'],
    // An unexpected answer.
    ['another expectation', post('expect: wonders\r\ncontent-length: 5\r\n', 'hello'), 417],
    ['70 KB of fields', line('GET / HTTP/1.1', `host: web\r\nx: ${'a'.repeat(70_000)}\r\n`), 431],
  ])('%s', async (_, text, status = 400) => {
    const { statuses, text: answer } = await say(text + next, 0);
    expect(statuses).toEqual([String(status)]);
    expect(answer).toContain('"code":"bad-request"');
    expect(app.bytes).toBe(0);
    await end({ 'bad-request': 1 });
  });
});

describe('of a body in chunks is refused, and does not look whole to the app:', () => {
  test.each([
    ['a bare LF behind a size', '5\nhello\r\n0\r\n\r\n'],
    ['a bare LF in an extension', '5;a\nhello\r\n0\r\n\r\n'],
    ['a bare LF in an extension that hides a chunk', '2;\nxx\r\n5f\r\n0\r\n\r\n'],
    ['a bare LF in a quoted extension', '5;a="\n"\r\nhello\r\n0\r\n\r\n'],
    ['a bare CR in an extension', '5;a\rb\r\nhello\r\n0\r\n\r\n'],
    ['NUL in an extension', '5;a\0b\r\nhello\r\n0\r\n\r\n'],
    ['a space behind a size', '5 \r\nhello\r\n0\r\n\r\n'],
    ['a tab behind a size', '5\t\r\nhello\r\n0\r\n\r\n'],
    ['a space before a size', ' 5\r\nhello\r\n0\r\n\r\n'],
    ['0x5', '0x5\r\nhello\r\n0\r\n\r\n'],
    ['+5', '+5\r\nhello\r\n0\r\n\r\n'],
    ['-5', '-5\r\nhello\r\n0\r\n\r\n'],
    ['5_0', '5_0\r\nhello\r\n0\r\n\r\n'],
    ['no size', '\r\nhello\r\n0\r\n\r\n'],
    ['an extension without a size', ';a\r\nhello\r\n0\r\n\r\n'],
    ['a size of 2^64 + 5', '10000000000000005\r\nhello\r\n0\r\n\r\n'],
    ['more than its size', '3\r\nhello\r\n0\r\n\r\n'],
    ['a bare LF behind the data', '5\r\nhello\n0\r\n\r\n'],
    ['a bare CR behind the data', '5\r\nhello\r0\r\n\r\n'],
    ['nothing behind the data', '5\r\nhello0\r\n\r\n'],
    ['a length among the trailers', '5\r\nhello\r\n0\r\ncontent-length: 7\r\n\r\n'],
    ['a bare LF behind a trailer', '5\r\nhello\r\n0\r\nx: y\n\r\n'],
    ['a bare LF as the end', '5\r\nhello\r\n0\r\n\n'],
  ])('%s', async (_, body) => {
    const { statuses, text } = await say(chunked(body) + next, 0);
    expect([statuses, text.includes('"code":"bad-request"')]).toEqual([['400'], true]);
    expect(seen()).toEqual([]);
    await end({ 'bad-request': 1 });
  });

  test('a malformed chunk behind good ones that were sent on already: the app’s connection is broken off', async () => {
    const { socket, hears, saw } = endOf(await h.raw(chunked('5\r\nhello\r\n')));
    await h.until(() => app.bytes > 0);
    socket.write(`zz\r\n${next}`);
    await hears('"code":"bad-request"');
    await saw('end');
    socket.end();
    await h.until(() => app.open === 0, 'the connection to the app is closed');
    expect(seen()).toEqual([]);
    await end({ 'bad-request': 1 });
  });

  test('a malformed chunk of a request that is held: its slot is free at once, and nothing is sent on', async () => {
    h.scaler.set({ name: 'asleep' });
    const { socket, hears } = endOf(await h.raw(chunked('5\r\nhello\r\n').replace('host: web', 'host: asleep')));
    await h.until(() => h.held('asleep') === 1);
    socket.write('zz\r\n');
    await hears('"code":"bad-request"');
    expect([h.held('asleep'), app.bytes]).toEqual([0, 0]);
    socket.end();
    await end({ 'bad-request': 1 });
  });
});

describe('is sent on in its one reading, and so is what comes behind it:', () => {
  test.each([
    ['a GET with a body', line('GET / HTTP/1.1', 'host: web\r\ncontent-length: 5\r\n') + 'hello', 'GET / hello'],
    [
      'a GET with a body in chunks',
      line('GET / HTTP/1.1', 'host: web\r\ntransfer-encoding: chunked\r\n') + '5\r\nhello\r\n0\r\n\r\n',
      'GET / hello',
    ],
    ['a HEAD with a body', line('HEAD / HTTP/1.1', 'host: web\r\ncontent-length: 5\r\n') + 'hello', 'HEAD / hello'],
    [
      'a DELETE with a body in chunks',
      line('DELETE / HTTP/1.1', 'host: web\r\ntransfer-encoding: chunked\r\n') + '5\r\nhello\r\n0\r\n\r\n',
      'DELETE / hello',
    ],
    ['a body that is a request', post(`content-length: ${get.length}\r\n`, get), `POST / ${get.trim()}`],
    [
      'a body in chunks that is a request',
      chunked(`${get.length.toString(16)}\r\n${get}\r\n0\r\n\r\n`),
      `POST / ${get.trim()}`,
    ],
    ['a length of 0', post('content-length: 0\r\n'), 'POST /'],
    ['a length of 00', post('content-length: 00\r\n'), 'POST /'],
    ['a length of 05', post('content-length: 05\r\n', 'hello'), 'POST / hello'],
    ['a length and a tab', post('content-length: 5\t\r\n', 'hello'), 'POST / hello'],
    ['a POST without a length', post(''), 'POST /'],
    ['Chunked', post('Transfer-Encoding: Chunked\r\n', '5\r\nhello\r\n0\r\n\r\n'), 'POST / hello'],
    ['a tab before chunked', post('transfer-encoding:\tchunked\r\n', '5\r\nhello\r\n0\r\n\r\n'), 'POST / hello'],
    ['an extension', chunked('5;a=b;c="d;e"\r\nhello\r\n0;x\r\n\r\n'), 'POST / hello'],
    ['zeros before a size', chunked('000000000000000000005\r\nhello\r\n000\r\n\r\n'), 'POST / hello'],
    ['trailers', chunked('5\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n'), 'POST / hello'],
    [
      'Connection that names Content-Length',
      post('connection: content-length\r\ncontent-length: 5\r\n', 'hello'),
      'POST / hello',
    ],
    [
      'Connection that names Transfer-Encoding',
      post('connection: transfer-encoding\r\ntransfer-encoding: chunked\r\n', '5\r\nhello\r\n0\r\n\r\n'),
      'POST / hello',
    ],
    ['Connection that names Host', post('connection: host\r\ncontent-length: 5\r\n', 'hello'), 'POST / hello'],
    [
      'a body and an offer to leave HTTP',
      post('connection: upgrade\r\nupgrade: x\r\ncontent-length: 5\r\n', 'hello'),
      'POST / hello',
    ],
    ['empty lines before it', `\r\n\r\n${get}`, 'GET /'],
    ['two spaces in the request line', line('GET  /  HTTP/1.1'), 'GET /'],
    ['absolute form that agrees with Host', line('GET http://WEB.:80/x?y HTTP/1.1'), 'GET /x?y'],
    ['absolute form without a path', line('GET http://web?y HTTP/1.1'), 'GET /?y'],
    ['HTTP/1.0 that keeps alive', line('GET / HTTP/1.0', 'host: web\r\nconnection: keep-alive\r\n'), 'GET /'],
    ['RTSP, which Node reads as HTTP', line('GET / RTSP/1.1', 'host: web\r\nconnection: keep-alive\r\n'), 'GET /'],
  ])('%s', async (_, text, wanted) => {
    const { statuses } = await say(text + next, 2);
    expect([statuses, seen()]).toEqual([
      ['200', '200'],
      [wanted, 'GET /next'],
    ]);
    const [first, second] = app.requests.map(({ fields }) => fields.map(([name]) => name.toLowerCase()));
    expect([first?.includes('x-next'), second?.includes('x-next')]).toEqual([false, true]);
    await end({ forwarded: 2 });
  });

  // llhttp counts in 64 bits, so this is a chunk without end. What comes is its data, and goes on as chunks of ours.
  test('a chunk of 2^64 - 1: all that comes is its data, and no request', async () => {
    const { socket } = endOf(await h.raw(chunked(`ffffffffffffffff\r\nhello\r\n0\r\n\r\n${next}`)));
    await h.until(() => app.bytes > 0);
    socket.destroy();
    await h.until(() => app.open === 0, 'the connection to the app is closed');
    expect(seen()).toEqual([]);
    await end({ 'client-gone': 1 });
  });

  test('chunks are made anew: sizes, extensions and trailers of the client’s never reach the app', async () => {
    await say(chunked('0005;smuggled=1\r\nhello\r\n0;smuggled\r\nsmuggled: 1\r\n\r\n'), 1);
    expect(seen()).toEqual(['POST / hello']);
    expect(app.text).not.toContain('smuggled');
    await end({ forwarded: 1 });
  });
});

describe('what comes behind', () => {
  test('a good request and is garbage is refused after the good one is answered', async () => {
    const { statuses } = await say(`${get}${get}rubbish\r\n\r\n${next}`, 0);
    expect([statuses, seen()]).toEqual([
      ['200', '200', '400'],
      ['GET /', 'GET /'],
    ]);
    await end({ forwarded: 2, 'bad-request': 1 });
  });

  test('a good request and is CONNECT is refused after the good one is answered', async () => {
    const { statuses } = await say(`${get}${line('CONNECT web:80 HTTP/1.1')}${next}`, 0);
    expect([statuses, seen()]).toEqual([['200', '501'], ['GET /']]);
    await end({ forwarded: 1, 'bad-request': 1 });
  });

  test.each([
    ['Connection: close', line('GET / HTTP/1.1', 'host: web\r\nconnection: close\r\n')],
    ['HTTP/1.0', line('GET / HTTP/1.0')],
    ['HTTP/1.0 with Connection: close', line('GET / HTTP/1.0', 'host: web\r\nconnection: close\r\n')],
  ])('the last request by %s is not looked at, and costs that one nothing', async (_, text) => {
    const { statuses } = await say(text + next, 0);
    expect([statuses, seen()]).toEqual([['200'], ['GET /']]);
    await end({ forwarded: 1 });
  });

  test('a malformed body of a request that waits behind another is refused in its turn', async () => {
    const { statuses } = await say(get + chunked('zz\r\n') + next, 0);
    expect([statuses, seen()]).toEqual([['200', '400'], ['GET /']]);
    await end({ forwarded: 1, 'bad-request': 1 });
  });

  test('a refused upload is read and thrown away, so that the refusal arrives at a client that reads it last', async () => {
    const body = 'GET /smuggled HTTP/1.1\r\nhost: web\r\n\r\n'.repeat(200_000);
    const socket = await h.raw(post(`host: api\r\ncontent-length: ${body.length}\r\n`));
    await new Promise((resolve) => socket.write(body + next, resolve));
    const { heard, saw } = endOf(socket);
    await saw('end');
    socket.end();
    expect([heard().match(/HTTP\/1\.1 \d+/g), app.bytes]).toEqual([['HTTP/1.1 400'], 0]);
    await end({ 'bad-request': 1 });
  });

  test('a head that is never finished is refused when its client ends, and what was before it is answered', async () => {
    const { socket, heard, saw } = endOf(await h.raw(`${get}GET /next HTTP/1.1\r\nhost: w`));
    socket.end();
    await saw('close');
    expect([...heard().matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual(['200', '400']);
    expect(seen()).toEqual(['GET /']);
    await end({ forwarded: 1, 'bad-request': 1 });
  });
});
