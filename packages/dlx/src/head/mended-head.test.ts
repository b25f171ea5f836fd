import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isPlainHead, MendedHead } from './mended-head.ts';

const plain = 'HTTP/1.1 200 OK\r\nDate: today\r\nContent-Length: 2\r\n\r\n';

function mended(text: string, cuts: readonly number[] = []): { text: string; continued: number } {
  let continued = 0;
  const head = new MendedHead(() => (continued += 1));
  const bytes = Buffer.from(text, 'latin1');
  let come = '';
  let from = 0;
  for (const to of [...cuts.filter((cut) => cut < bytes.length).toSorted((a, b) => a - b), bytes.length]) {
    const chunk = bytes.subarray(from, to);
    come += (head.isWhole ? chunk : head.take(chunk)).toString('latin1');
    from = to;
  }
  return { text: come, continued };
}

test.each([
  ['lines that end in LF alone', plain.replaceAll('\r\n', '\n'), plain],
  ['lines that end in both ways', plain.replace('\r\n', '\n'), plain],
  ['a fold', plain.replace('today', 'to\r\n \t day'), plain.replace('today', 'to day')],
  ['a fold before the first field', plain.replace('\r\n', '\r\n X: y\r\n'), plain],
  ['a space before a colon', plain.replace('Date:', 'Date \t:'), plain],
  ['controls in a value', plain.replace('today', 'to\x01\x00\x7fday\r'), plain.replace('today', 'to   day')],
  [
    'a CR that would split a line',
    plain.replace('today', 'x\rSet-Cookie: a=b'),
    plain.replace('today', 'x Set-Cookie: a=b'),
  ],
  [
    'two equal lengths',
    plain.replace('Date', 'Content-Length: 2\r\nDate'),
    `${plain.slice(0, -2)}Connection: close\r\n\r\n`,
  ],
  ['equal lengths in one', plain.replace(': 2', ': 2, 2'), `${plain.slice(0, -2)}Connection: close\r\n\r\n`],
  [
    'a length beside chunks',
    plain.replace('Date', 'transfer-encoding: Chunked\r\nDate'),
    'HTTP/1.1 200 OK\r\nDate: today\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n',
  ],
  ['the coding identity', plain.replace('Date', 'Transfer-Encoding: identity\r\nDate'), plain],
  ['a higher minor version', plain.replace('HTTP/1.1', 'HTTP/1.2'), plain],
  ['an empty line before it', `\r\n\n${plain}`, plain],
  ['a 102', `HTTP/1.1 102 Processing\r\n\r\n${plain}`, `HTTP/1.1 102 Processing\r\n\r\n${plain}`],
])('%s is mended, wherever the chunks end', (_what, text, wanted) => {
  expect(isPlainHead(Buffer.from(text, 'latin1'))).toBe(false);
  expect(mended(`${text}ok`).text).toBe(`${wanted}ok`);
  fc.assert(
    fc.property(fc.array(fc.nat(text.length + 2)), (cuts) => {
      expect(mended(`${text}ok`, cuts).text).toBe(`${wanted}ok`);
    }),
  );
});

test('a 100 is left out, and counted', () => {
  expect(mended(`HTTP/1.1 100 Continue\r\nX: y\r\n\r\nHTTP/1.1 100\r\n\r\n${plain}ok`)).toEqual({
    text: `${plain}ok`,
    continued: 2,
  });
});

test.each([
  ['two lengths', plain.replace('Date', 'Content-Length: 1\r\nDate'), 'two lengths, "1" and "2"'],
  ['a length that is none', plain.replace(': 2', ': +2'), 'Content-Length "+2", which is no number'],
  ['a length of nothing', plain.replace(': 2', ':'), 'Content-Length "", which is no number'],
  [
    'another coding',
    plain.replace('Date', 'Transfer-Encoding: gzip, chunked\r\nDate'),
    '"gzip, chunked": only chunked',
  ],
  ['chunks twice', plain.replace('Date', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\nDate'), 'once'],
  ['a line without a colon', plain.replace('Date: today', 'hello'), 'the line "hello", which is no field'],
  ['a name with a space', plain.replace('Date', 'Da te'), 'which is no field'],
  ['another protocol', 'SSH-2.0-OpenSSH_9.9', 'the answer begins with "SSH-2", which is no status line of HTTP/1'],
  ['no status', plain.replace('200', 'two'), 'no status line of HTTP/1'],
  ['no end', `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(70_000)}`, 'more than 65536 bytes'],
  ['too many fields', `HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(2001)}\r\n`, 'more than 2000 fields'],
])('%s cannot be mended, and the reason says so', (_what, text, reason) => {
  expect(isPlainHead(Buffer.from(text, 'latin1'))).toBe(false);
  expect(() => mended(text)).toThrow(reason);
});

test('a head in which there is nothing to mend is known as such, and mended it is the same', () => {
  const name = fc.constantFrom('Date', 'X', 'content-type', 'Set-Cookie', 'Content-Lengths', 'x-transfer-encodin');
  const value = fc.constantFrom('', 'a', 'text/html; charset=utf-8', '\xe9\xff', 'a: b', 'a\tb');
  const framing = fc.constantFrom('', 'Content-Length: 5\r\n', 'Transfer-Encoding: chunked\r\n');
  fc.assert(
    fc.property(
      fc.array(fc.tuple(name, value)),
      framing,
      fc.constantFrom('1.1 200 OK', '1.0 404 No', '1.1 599 \xe9'),
      (fields, framed, start) => {
        const text = `HTTP/${start}\r\n${fields.map(([n, v]) => `${n}: ${v}\r\n`).join('')}${framed}\r\n`;
        expect(isPlainHead(Buffer.from(`${text}body`, 'latin1'))).toBe(true);
        expect(isPlainHead(Buffer.from(text.slice(0, -1), 'latin1'))).toBe(false);
        expect(mended(text).text).toBe(text);
      },
    ),
  );
});

test('a head that comes byte by byte takes no more steps than it has bytes', () => {
  const text = `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(60_000)}\r\n\r\n`;
  const head = new MendedHead(() => {});
  const looked: number[] = [];
  const { indexOf } = Buffer.prototype;
  Buffer.prototype.indexOf = function (this: Buffer, ...args: unknown[]): number {
    looked.push(this.length - (args[1] as number));
    return (indexOf as (...all: unknown[]) => number).apply(this, args);
  };
  try {
    for (const byte of Buffer.from(text, 'latin1')) head.take(Buffer.of(byte));
  } finally {
    Buffer.prototype.indexOf = indexOf;
  }
  expect(head.isWhole).toBe(true);
  expect(Math.max(...looked)).toBeLessThan(8);
});
