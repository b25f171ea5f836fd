import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { expect, test } from '@jest/globals';
import { systemClock } from '@scaler/scaler-types';
import { createPeerClient } from './peer-client.ts';

const signal = new AbortController().signal;
const question = { method: 'GET', path: '/activity', timeoutMs: 1_000 } as const;

test('connections are kept, and one that the replica ends at that very moment is replaced', async () => {
  const requests = new Map<Socket, number>();
  const server = createServer((request, response) => {
    const count = (requests.get(request.socket) ?? 0) + 1;
    requests.set(request.socket, count);
    if (count === 3) request.socket.destroy();
    else response.end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = createPeerClient({ clock: systemClock });
  const peer = { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
  try {
    for (let i = 0; i < 4; i++) await expect(client.ask(peer, question, signal)).resolves.toEqual({});
    expect([...requests.values()]).toEqual([3, 2]);
  } finally {
    client.close();
    await new Promise((resolve) => server.close(resolve));
  }
});

test('a replica that ends the connection in the middle of its answer has not answered', async () => {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-length': '10' });
    response.write('{', () => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = createPeerClient({ clock: systemClock });
  const peer = { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
  try {
    await expect(client.ask(peer, question, signal)).rejects.toMatchObject({ code: 'peer-unreachable' });
  } finally {
    client.close();
    await new Promise((resolve) => server.close(resolve));
  }
});

test('a replica that goes over to another protocol has not answered, and is not waited for', async () => {
  const server = createServer(({ socket }) => {
    socket.write('HTTP/1.1 101 So\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = createPeerClient({ clock: systemClock });
  const peer = { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
  try {
    await expect(client.ask(peer, question, signal)).rejects.toMatchObject({ code: 'peer-unreachable' });
  } finally {
    client.close();
    await new Promise((resolve) => server.close(resolve));
  }
});
