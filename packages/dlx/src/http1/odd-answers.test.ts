import { expect, test } from '@jest/globals';
import { startAwake } from '../testing/harness.ts';
import { endOf, startRawApp } from '../testing/stream.ts';

const date = 'date: Tue, 24 Nov 2026 10:00:00 GMT\r\n';
const get = 'GET / HTTP/1.1\r\nhost: web\r\n\r\n';
const ok = `HTTP/1.1 200 OK\r\n${date}content-length: 2\r\n\r\nok`;

/** The bytes that a client gets for an answer, up to those of the next one on its connection. */
async function passed(question: string, answer: string, next = true): Promise<string> {
  const app = await startRawApp();
  const h = await startAwake([app]);
  const near = endOf(await h.raw(question));
  const far = await app.head(0);
  far.socket.write(answer, 'latin1');
  await h.until(() => h.dlx.core.accounting.ended() === 1, 'it has its outcome');
  if (!next) {
    await near.saw('end');
    near.socket.end();
    await h.end({ forwarded: 1 });
    return near.heard();
  }
  near.socket.write(get.replace('/', '/next'));
  const heads = (): string => app.ends.map((end) => end.heard()).join('');
  await h.until(() => heads().includes('/next'), 'the next request comes');
  app.ends.find((end) => end.heard().includes('/next'))?.socket.write(ok.replace('ok', 'no'));
  await near.hears('\r\n\r\nno');
  await h.end({ forwarded: 2 });
  return near.heard().slice(0, near.heard().lastIndexOf('HTTP/1.1 200'));
}

const trailer = 'trailer: x-sum\r\n';

test.each<[string, string, string, RegExp]>([
  [
    'HEAD',
    get.replace('GET', 'HEAD'),
    `HTTP/1.1 200 OK\r\n${date}${trailer}transfer-encoding: chunked\r\n\r\n`,
    /^HTTP\/1.1 200/,
  ],
  ['a 204', get, `HTTP/1.1 204 No Content\r\n${date}${trailer}\r\n`, /^HTTP\/1.1 204/],
  ['a 304', get, `HTTP/1.1 304 Not Modified\r\n${date}${trailer}\r\n`, /^HTTP\/1.1 304/],
  ['a length', get, `HTTP/1.1 200 OK\r\n${date}${trailer}content-length: 2\r\n\r\nok`, /^HTTP\/1.1 200[^]*\r\n\r\nok$/],
  [
    'a 204 with a length',
    get,
    `HTTP/1.1 204 No Content\r\n${date}${trailer}content-length: 5\r\n\r\n`,
    /^HTTP\/1.1 204/,
  ],
])('`Trailer` in %s is no failure, and the next answer is read as such', async (_, question, answer, wanted) => {
  const said = await passed(question, answer);
  expect(said).toMatch(wanted);
  // A length that promises what the framing says already may pass the announcement on, as it came.
  if (!said.endsWith('ok')) expect(said).not.toMatch(/trailer|transfer-encoding/i);
});

test('`Trailer` to HTTP/1.0 is no failure', async () => {
  const answer = `HTTP/1.1 200 OK\r\n${date}${trailer}transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`;
  expect(await passed(get.replace('1.1', '1.0'), answer, false)).toMatch(/^HTTP\/1.1 200[^]*\r\n\r\nok$/);
});

test('a 204 has no length; a 304 and an answer to HEAD keep theirs, and no body follows', async () => {
  const with5 = (status: string): string => `HTTP/1.1 ${status}\r\n${date}content-length: 5\r\n\r\n`;
  expect(await passed(get, with5('204 No Content'))).not.toMatch(/content-length/i);
  for (const [question, status] of [
    [get, '304 Not Modified'],
    [get.replace('GET', 'HEAD'), '200 OK'],
  ] as const) {
    const said = await passed(question, with5(status));
    expect(said).toMatch(/content-length: 5\r\n[^]*\r\n\r\n$/);
  }
});

test.each([
  ['a 100 that was not asked for', `HTTP/1.1 100 Continue\r\n\r\n${ok}`],
  ['two of them, in pieces of the answer', `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\nx: y\r\n\r\n${ok}`],
  ['a 100 behind a 103', `HTTP/1.1 103 Early Hints\r\nx: y\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n${ok}`],
  ['lines that end in LF alone', ok.replaceAll('\r\n', '\n')],
  ['a space before a colon', ok.replace('content-length:', 'content-length :')],
  ['two equal lengths', ok.replace('content-length', 'content-length: 2\r\ncontent-length')],
  [
    'a length beside chunks',
    `HTTP/1.1 200 OK\r\n${date}content-length: 9\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
  ],
  ['a version that does not exist', ok.replace('1.1', '1.2')],
])('an answer with %s is passed on as it is meant', async (_, answer) => {
  const said = await passed(get, answer);
  expect(said).toMatch(/^(?:HTTP\/1.1 100 Continue\r\n\r\n)*HTTP\/1.1 200 OK\r\n/);
  // A proxy passes 1xx on, whether they were asked for or not (RFC 9110 §15.2).
  expect(said.split('100 Continue')).toHaveLength(answer.split('100 Continue').length);
  expect(said).toMatch(/\r\n\r\n(?:ok|2\r\nok\r\n0\r\n\r\n)$/);
  expect(said).not.toMatch(/ :|content-length: 9/i);
});

test('what cannot be mended is told: two lengths, and neither is passed on', async () => {
  const app = await startRawApp();
  const h = await startAwake([app]);
  const asked = h.send({ method: 'POST' });
  (await app.head(0)).socket.write(ok.replace('content-length', 'content-length: 1\r\ncontent-length'));
  const { status, problem } = await asked;
  expect([status, problem.code]).toEqual([502, 'upstream-reset']);
  expect(problem.detail).toMatch(/the answer has two lengths, "1" and "2"/);
  await h.end({ 'upstream-reset': 1 });
});

test('a head that ends in its middle has been heard: the request is not sent again', async () => {
  const app = await startRawApp();
  const h = await startAwake([app]);
  const asked = h.send();
  (await app.head(0)).socket.end('HTTP/1.1 200 OK\nX: y\n');
  expect((await asked).status).toBe(502);
  expect(app.ends).toHaveLength(1);
  await h.end({ 'upstream-reset': 1 });
});

test.each([
  ['as it asks for it', get, /connection: upgrade\r\nupgrade: websocket\r\n/i],
  [
    'where the connection ends',
    get.replace('host', 'connection: close\r\nhost'),
    /connection: close, upgrade\r\nupgrade: websocket\r\n/i,
  ],
])('a 426 says what to upgrade to, %s', async (_, question, wanted) => {
  const answer = `HTTP/1.1 426 Upgrade Required\r\n${date}connection: Upgrade\r\nupgrade: websocket\r\ncontent-length: 2\r\n\r\nno`;
  const said = await passed(question, answer, !question.includes('close'));
  expect(said).toMatch(wanted);
  expect(said.match(/connection:/gi)).toHaveLength(1);
});

test('a 426 to an offer says what to upgrade to', async () => {
  const app = await startRawApp();
  const h = await startAwake([app]);
  const near = endOf(await h.raw(get.replace('host', 'connection: upgrade\r\nupgrade: websocket\r\nhost')));
  const upgrade = 'connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n';
  (await app.head(0)).socket.write(`HTTP/1.1 426 Upgrade Required\r\n${upgrade}content-length: 0\r\n\r\n`);
  await near.saw('end');
  expect(near.heard()).toMatch(/connection: close, upgrade\r\nupgrade: websocket\r\n/i);
  near.socket.end();
  await h.end({ forwarded: 1 });
});
