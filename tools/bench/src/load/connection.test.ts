import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, test } from '@jest/globals';
import { isWhole, openConnection } from './connection.ts';

test('an answer is whole once its Content-Length is there', () => {
  const text = 'HTTP/1.1 200 OK\r\nServer: x\r\ncontent-length: 5\r\n\r\nhello';
  expect([isWhole(text), isWhole(text.slice(0, -1)), isWhole(text.slice(0, 30))]).toEqual([true, false, false]);
});

test('a connection takes answers in pieces, and reports its end', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const connection = openConnection((server.address() as AddressInfo).port);
  const [peer] = (await once(server, 'connection')) as [Socket];
  const ask = (): Promise<number> => new Promise((resolve) => connection.ask(['GET / HTTP/1.1\r\n\r\n'], resolve));

  const first = ask();
  await once(peer, 'data');
  peer.write('HTTP/1.1 503 Nope\r\ncontent-le');
  peer.write('ngth: 2\r\n\r\nno');
  expect(await first).toBe(503);

  const second = ask();
  await once(peer, 'data');
  peer.destroy();
  expect(await second).toBe(0);
  expect(await ask()).toBe(0);
  expect(connection.isOpen).toBe(false);
  server.close();
  await once(server, 'close');
});
