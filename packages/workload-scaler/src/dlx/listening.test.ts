import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test } from '@jest/globals';
import { systemClock } from '@scaler/scaler-types';
import { asksDlx } from './listening.ts';

const open: Server[] = [];
afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

const never = new AbortController().signal;
const address = '127.0.0.1';

async function portOf(server: Server): Promise<number> {
  server.listen(0, address);
  await once(server, 'listening');
  open.push(server);
  return (server.address() as AddressInfo).port;
}

/** A DLX that answers so, with a port on which it really listens, whose connections are counted. */
async function dlxThat(answer: (ports: readonly number[]) => { status: number; listening?: readonly number[] }) {
  const asked: number[][] = [];
  const tokens: (string | undefined)[] = [];
  let connections = 0;
  const listener: RequestListener = (request, response) => {
    void text(request).then((body) => {
      const { ports } = JSON.parse(body) as { ports: number[] };
      asked.push(ports);
      tokens.push(request.headers.authorization);
      const { status, listening } = answer(ports);
      response.writeHead(status).end(JSON.stringify({ replica: 'dlx-1', listening }));
    });
  };
  const control = await portOf(createHttpServer(listener));
  const port = await portOf(
    createServer((socket) => {
      connections += 1;
      socket.destroy();
    }),
  );
  const isListening = asksDlx(
    () => ({ address, port: 1, control }),
    systemClock,
    () => Promise.resolve('secret'),
  );
  return { asked, tokens, port, connections: () => connections, isListening };
}

test('it is asked on the port where it takes questions, and the port itself hears nothing: there it would be a client', async () => {
  const dlx = await dlxThat(() => ({ status: 200, listening: [dlx.port] }));
  expect(await dlx.isListening(address, dlx.port, never)).toBe(true);
  expect(await dlx.isListening(address, 9, never)).toBe(false);
  expect([dlx.connections(), dlx.tokens]).toEqual([0, ['Bearer secret', 'Bearer secret']]);
});

test('what is asked while a question is under way goes together in the next, at most 256 ports in one', async () => {
  const dlx = await dlxThat((ports) => ({ status: 200, listening: ports.filter((port) => port % 2 === 0) }));
  const ports = Array.from({ length: 300 }, (_, i) => i + 1);
  const found = await Promise.all(ports.map((port) => dlx.isListening(address, port, never)));
  expect(found).toEqual(ports.map((port) => port % 2 === 0));
  expect(dlx.asked.map(({ length }) => length)).toEqual([256, 44]);
});

test('a DLX that does not know the question is connected to, as it always was', async () => {
  const dlx = await dlxThat(() => ({ status: 404 }));
  expect(await dlx.isListening(address, dlx.port, never)).toBe(true);
  expect(dlx.connections()).toBe(1);
});

test.each([
  ['refuses the question', { status: 401 }],
  ['answers something else', { status: 200 }],
])('one that %s is not taken to listen, and not connected to', async (_, answer) => {
  const dlx = await dlxThat(() => answer);
  await expect(dlx.isListening(address, dlx.port, never)).rejects.toThrow();
  expect(dlx.connections()).toBe(0);
});
