import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, test } from '@jest/globals';
import { startAwake, until } from '../testing/harness.ts';
import { endOf } from '../testing/stream.ts';
import { startTcp } from '../testing/upstream.ts';
import { EndpointSocket } from './upstream-socket.ts';

const tooLarge = 'HTTP/1.1 413 Content Too Large\r\nconnection: close\r\ncontent-length: 3\r\n\r\nno!';
const piece = Buffer.alloc(65_536, 'x');

/** Both ends of a connection, neither of which reads. */
async function connected(): Promise<{ ours: EndpointSocket; theirs: Socket }> {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const ours = new EndpointSocket({ allowHalfOpen: true });
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  ours.connect((server.address() as AddressInfo).port, '127.0.0.1');
  await once(ours, 'connect');
  const [theirs] = await accepted;
  server.close();
  return { ours, theirs };
}

/** Writes until that fails. */
async function writeInVain(to: Socket): Promise<void> {
  for (let failed = false; !failed;) {
    failed = await new Promise((done) => void to.write(piece, (error) => done(Boolean(error))));
  }
}

test('what an endpoint said before it reset is read, though a write found the reset first', async () => {
  const { ours, theirs } = await connected();
  ours.write('unread');
  await new Promise((done) => void theirs.write(tooLarge, done));
  theirs.destroy();
  await writeInVain(ours);
  expect(ours.destroyed).toBe(false);
  const end = endOf(ours);
  await end.saw('close');
  expect(end.heard()).toBe(tooLarge);
});

test('an endpoint that said nothing before it reset is closed', async () => {
  const { ours, theirs } = await connected();
  theirs.resetAndDestroy();
  const { saw } = endOf(ours);
  await writeInVain(ours);
  await saw('close');
});

test.each([
  ['with a length', `content-length: ${64 * piece.length}\r\n`, ''],
  ['in chunks', 'transfer-encoding: chunked\r\n', `${(64 * piece.length).toString(16)}\r\n`],
])(
  'each upload %s that is refused before it is read, by a server that then closes, gets that answer',
  async (_, framing, begin) => {
    const app = await startTcp((socket) => {
      socket.once('data', () => {
        socket.pause();
        // With bytes unread this is a reset.
        socket.write(tooLarge, () => socket.destroy());
      });
    });
    const h = await startAwake([app]);
    for (let i = 0; i < 12; i++) {
      const near = endOf(await h.raw(`POST / HTTP/1.1\r\nhost: web\r\n${framing}\r\n${begin}`));
      for (let sent = 0; sent < 64 && !near.heard().includes('no!'); sent++) {
        near.socket.write(piece);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await until(() => near.heard().includes('\r\n\r\n'), 'an answer comes');
      expect(near.heard()).toMatch(/^HTTP\/1.1 413 [^]*no!$/);
      near.socket.destroy();
    }
    await h.end({ forwarded: 12 });
  },
);
