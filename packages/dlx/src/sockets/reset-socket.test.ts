import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { until } from '../testing/harness.ts';
import { resetSocket } from './guard.ts';

async function ended(how: (socket: Socket) => void): Promise<string[]> {
  const server = createServer({ allowHalfOpen: true }, (socket) => socket.on('error', () => {}).resume());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
  const events: string[] = [];
  socket
    .on('error', ({ code }: NodeJS.ErrnoException) => events.push(String(code)))
    .on('close', () => events.push('close'));
  await once(socket, 'connect');
  how(socket);
  await until(() => events.length > 0);
  server.close();
  return events;
}

test('a connection is closed also where it is reset right behind its end', async () => {
  expect(await ended((socket) => resetSocket(socket))).toEqual(['close']);
  expect(await ended((socket) => resetSocket(socket.end()))).toEqual(['close']);
  expect(await ended((socket) => resetSocket(socket.end('words')))).toEqual(['close']);
});

test('the data path resets connections in no other way', () => {
  const root = join(import.meta.dirname, '..');
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' });
  const sources = files.filter((file) => /\.ts$/.test(file) && !/\.test\.ts$|^testing|^sockets\/guard/.test(file));
  expect(sources.length).toBeGreaterThan(40);
  expect(sources.filter((file) => readFileSync(join(root, file), 'utf8').includes('resetAndDestroy'))).toEqual([]);
});
