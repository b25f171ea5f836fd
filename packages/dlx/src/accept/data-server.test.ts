import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, test } from '@jest/globals';
import { startHarness } from '../testing/harness.ts';
import { startUpstream } from '../testing/upstream.ts';

async function everythingFrom(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  await once(socket, 'close');
  return text;
}

test('what a client pipelined behind a request that is refused is not sent on: it could not be answered', async () => {
  const app = await startUpstream();
  const h = await startHarness();
  h.scaler.set({ name: 'web', phase: 'awake' });
  h.scaler.endpoints('web', [app.endpoint]);
  const good = 'GET /before HTTP/1.1\r\nhost: web\r\n\r\n';
  const bad = 'GET * HTTP/1.1\r\nhost: web\r\n\r\n';
  const behind = 'POST /behind HTTP/1.1\r\nhost: web\r\ncontent-length: 0\r\n\r\n';
  const said = await everythingFrom(await h.raw(good + bad + behind));
  expect([...said.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual(['200', '400']);
  expect(app.seen).toEqual(['GET /before']);
  await h.end({ forwarded: 1, 'bad-request': 1 });
});

test('a client that breaks off a CONNECT, or stays after it was refused, costs nothing', async () => {
  const h = await startHarness();
  const ask = 'CONNECT web:80 HTTP/1.1\r\nhost: web\r\n\r\n';
  const broken = connect({ port: h.port, host: '127.0.0.1' });
  broken.on('connect', () => {
    broken.write(ask);
    broken.resetAndDestroy();
  });
  await once(broken, 'close');
  const staying = connect({ port: h.port, host: '127.0.0.1', allowHalfOpen: true });
  staying.write(ask);
  const ended = once(staying.resume(), 'end');
  staying.write('more of it');
  await ended;
  await h.until(() => h.dlx.server.connections.size === 0, 'no connection is left');
  staying.destroy();
  const { accepted } = h.dlx.core.accounting;
  await h.end({ 'bad-request': accepted });
});
