import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readPlainHead, readResponseHead } from './response-head.ts';

const date: [string, string] = ['Date', 'Tue, 24 Nov 2026 10:00:00 GMT'];

/** What undici tells of a head in one chunk: a view of it for each name and value. */
function viewsOf(fields: readonly [string, string][], { body = '', colon = ': ', end = '\r\n' } = {}): Buffer[] {
  const text = fields.map(([name, value]) => `${name}${colon}${value}${end}`).join('');
  const statusLine = 'HTTP/1.1 200 OK\r\n';
  const bytes = Buffer.from(`${statusLine}${text}\r\n${body}`, 'latin1');
  const chunk = Buffer.from(new Uint8Array(bytes).buffer);
  let at = statusLine.length;
  return fields.flatMap(([name, value]) => {
    const valueAt = at + name.length + colon.length;
    const views = [chunk.subarray(at, at + name.length), chunk.subarray(valueAt, valueAt + value.length)];
    at = valueAt + value.length + end.length;
    return views;
  });
}

function linesOf(raw: readonly Buffer[]): string {
  const { fields } = readResponseHead(raw);
  return fields.map((text, i) => (i % 2 === 0 ? `${text}: ` : `${text}\r\n`)).join('');
}

const anyName = fc.constantFrom(
  ...['X', 'Server', 'te', 'TE', 'Upgrade', 'Keep-Alive', 'connection', 'Proxy-Connection', 'Transfer-Encoding'],
  ...['Set-Cookie', 'Last-Modified', 'X-AB', 'x-ab-cd', 'Accept-Ranges', 'Content-Type', 'X-Trace-Id', 'Cached-By1'],
);
const anyValue = fc.constantFrom('', 'a', 'close', 'keep-alive', 'text/html; charset=utf-8', '\xe9\xff', 'a: b');

test('a head in one piece is what it is field by field', () => {
  const anyFields = fc.array(fc.tuple(anyName, anyValue), { maxLength: 8 });
  fc.assert(
    fc.property(anyFields, anyFields, anyFields, (before, between, after) => {
      const raw = viewsOf([...before, date, ...between, ['Content-Length', '5'], ...after]);
      const plain = readPlainHead(raw);
      const named = [...before, ...between, ...after].filter(
        ([name, value]) => name === 'connection' && !['', 'close', 'keep-alive'].includes(value),
      );
      // Fields that `Connection` names stay behind as well.
      if (named.length > 0) expect(plain).toBeUndefined();
      else expect(plain).toEqual({ lines: linesOf(raw), contentLength: 5, isWhole: false });
    }),
  );
});

test('a body that came along is known', () => {
  const fields: [string, string][] = [date, ['content-length', '5'], ['Connection', 'keep-alive']];
  expect(readPlainHead(viewsOf(fields, { body: 'hello' }))?.isWhole).toBe(true);
  expect(readPlainHead(viewsOf(fields, { body: 'hell' }))?.isWhole).toBe(false);
  expect(readPlainHead(viewsOf([date, ['content-length', '0']]))?.isWhole).toBe(true);
});

test.each<[string, Buffer[]]>([
  ['there is no Date', viewsOf([['Content-Length', '5']])],
  ['there is no Content-Length', viewsOf([date])],
  ['there are two', viewsOf([date, ['Content-Length', '5'], ['Content-Length', '5']])],
  ['values are not spaced as ours', viewsOf([date, ['Content-Length', '5']], { colon: ':' })],
  ['a tab is in the place of the space', viewsOf([date, ['Content-Length', '5']], { colon: ':\t' })],
  ['a value ends in a space', viewsOf([date, ['Content-Length', '5']], { end: ' \r\n' })],
  ['a line ends in other bytes', viewsOf([date, ['Content-Length', '5']], { end: ' \n' })],
  ['it came in two chunks', [...viewsOf([date]), ...viewsOf([['Content-Length', '5']])]],
  ['there are no fields', []],
])('it is read field by field where %s', (_why, raw) => {
  expect(readPlainHead(raw)).toBeUndefined();
});
