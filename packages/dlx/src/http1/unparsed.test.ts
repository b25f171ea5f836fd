import { expect, test } from '@jest/globals';
import { startAwake } from '../testing/harness.ts';
import { endOf } from '../testing/stream.ts';
import { startUpstream } from '../testing/upstream.ts';

const post = (fields: string): string => `POST / HTTP/1.1\r\nhost: web\r\n${fields}\r\n`;

test.each([
  [
    "Vault's LIST",
    'LIST / HTTP/1.1\r\nhost: web\r\n\r\n',
    501,
    /the method "LIST" is not known here: known in HTTP\/1 are .*QUERY/,
  ],
  ['VERSION-CONTROL', 'VERSION-CONTROL / HTTP/1.1\r\nhost: web\r\n\r\n', 501, /"VERSION-CONTROL"/],
  ['a begin of a known one', 'GETS / HTTP/1.1\r\nhost: web\r\n\r\n', 501, /"GETS"/],
  ['a known one in lower case', 'get / HTTP/1.1\r\nhost: web\r\n\r\n', 501, /"get"/],
  ['any token', "!#$%&'*+-.^_`|~9 / HTTP/1.1\r\nhost: web\r\n\r\n", 501, /is not known here/],
  ['no request', 'hello there\r\n\r\n', 400, /method/i],
  ['HTTP/1.2', 'GET / HTTP/1.2\r\nhost: web\r\n\r\n', 505, /HTTP\/1.2: 1.0 and 1.1 are known/],
  ['HTTP/3.0', 'GET / HTTP/3.0\r\nhost: web\r\n\r\n', 505, /HTTP\/3.0/],
  [
    'two equal lengths',
    post('content-length: 2\r\ncontent-length: 2\r\n'),
    400,
    /a body may have one length, or be in chunks/,
  ],
  [
    'a length before chunks',
    post('content-length: 2\r\ntransfer-encoding: chunked\r\n'),
    400,
    /a body may have one length, or be in chunks/,
  ],
  [
    'a length behind chunks',
    post('transfer-encoding: chunked\r\ncontent-length: 2\r\n'),
    400,
    /a body may have one length, or be in chunks/,
  ],
  ['a space before a colon', post('x : y\r\n'), 400, /header/i],
  ['a control in a value', post('x: a\x01b\r\n'), 400, /header/i],
])('%s is refused, and the reason names it, first and behind another', async (_, text, status, reason) => {
  for (const before of ['', 'GET / HTTP/1.1\r\nhost: web\r\n\r\n']) {
    const h = await startAwake([await startUpstream()]);
    const near = endOf(await h.raw(before + text));
    await near.saw('end');
    const [head = '', body = ''] = near.heard().slice(near.heard().lastIndexOf('HTTP/1.1')).split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    const { code, detail } = JSON.parse(body) as { code: string; detail: string };
    expect(code).toBe('bad-request');
    expect(detail).toMatch(reason);
    near.socket.end();
    await h.end({ 'bad-request': 1, ...(before !== '' && { forwarded: 1 }) });
  }
});
