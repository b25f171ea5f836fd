import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { expect, test } from '@jest/globals';
import { RawResponse } from './raw-message.ts';

const date = 'Tue, 24 Nov 2026 10:00:00 GMT';

/** The bytes of two answers over one connection. */
async function bytesOf(answer: (res: RawResponse) => void): Promise<string> {
  const server = createServer({ ServerResponse: RawResponse, keepAliveTimeout: 0 }, (_req, res) =>
    answer(res as RawResponse),
  ).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' });
  const request = 'GET / HTTP/1.1\r\nhost: web\r\n\r\n';
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  socket.write(request + request.replace('\r\n\r\n', '\r\nconnection: close\r\n\r\n'));
  await once(socket, 'close');
  server.close();
  return text;
}

function linesOf(fields: readonly string[]): string {
  return fields.map((text, i) => (i % 2 === 0 ? `${text}: ` : `${text}\r\n`)).join('');
}

test.each([
  ['its end in one piece', 200, undefined, (res: ServerResponse) => res.end('hello', 'latin1')],
  ['its end in a buffer', 200, 'Fine', (res: ServerResponse) => res.end(Buffer.from('hello'))],
  ['two pieces', 404, undefined, (res: ServerResponse) => res.write('he') && res.end('llo')],
  ['the head first', 299, undefined, (res: ServerResponse) => (res.flushHeaders(), res.end('hello'))],
  ['no body', 500, 'Öps', (res: ServerResponse) => res.end()],
] as const)(
  'with %s, a head as it came is byte for byte what writeHead makes of it',
  async (_name, status, phrase, end) => {
    const fields = [
      'Date',
      date,
      'content-length',
      status === 500 ? '0' : '5',
      'Set-Cookie',
      'a=b',
      'set-cookie',
      'c=d',
      'X',
      '\xe9',
    ];
    const asItCame = await bytesOf((res) => {
      if (res.shouldKeepAlive) res.writeHeadAsItCame(status, phrase, linesOf(fields));
      else res.writeHead(status, phrase ?? undefined, fields);
      end(res);
    });
    const byNode = await bytesOf((res) => {
      res.writeHead(status, phrase ?? undefined, fields);
      end(res);
    });
    expect(asItCame).toBe(byNode);
    expect(asItCame.match(/HTTP\/1\.1/g)).toHaveLength(2);
  },
);
