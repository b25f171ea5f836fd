import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import { until } from '../testing/harness.ts';
import { UpstreamSocket } from './upstream-socket.ts';

const open: (Socket | Server)[] = [];
afterEach(() => {
  for (const one of open.splice(0)) {
    if ('destroy' in one) one.destroy();
    else one.close();
  }
});

/** Both ends of a connection: ours, and the endpoint's. */
async function connected(): Promise<{ ours: UpstreamSocket; theirs: Socket }> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const ours = new UpstreamSocket({
    mend: (chunk) => chunk,
    broke: (error) => expect(error).toBeUndefined(),
  });
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  ours.connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [theirs] = await accepted;
  if (ours.connecting) await once(ours, 'connect');
  open.push(server, ours, theirs);
  return { ours, theirs };
}

/** Reads as undici does: all that is there, upon each 'readable'. */
function collect(socket: UpstreamSocket): Buffer[] {
  const chunks: Buffer[] = [];
  socket.on('readable', () => {
    for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) chunks.push(chunk);
  });
  return chunks;
}

test('what comes is handed over in memory of its own: what other connections read does not change it', async () => {
  const a = await connected();
  const b = await connected();
  const [first, second] = [collect(a.ours), collect(b.ours)];
  a.theirs.write('first');
  await until(() => first.length === 1);
  b.theirs.write('other');
  await until(() => second.length === 1);
  expect([String(first[0]), String(second[0])]).toEqual(['first', 'other']);
});

test('what is not taken is not read on, and what is given back comes first', async () => {
  const { ours, theirs } = await connected();
  const told: number[] = [];
  ours.on('readable', () => told.push(ours.bytesRead));
  const size = 8 * 1024 * 1024;
  theirs.write(Buffer.alloc(size, 'x'));
  await until(() => told.length === 1);
  for (let turn = 0; turn < 20; turn++) await setImmediate();
  expect(told).toHaveLength(1);
  expect(ours.bytesRead).toBeLessThanOrEqual(65_536);
  const chunk = ours.read()!;
  ours.unshift(chunk.subarray(1));
  ours.unshift(Buffer.from('y'));
  expect(String(ours.read())).toBe(`y${'x'.repeat(chunk.length - 1)}`);
});

test('it ends once all was taken', async () => {
  const { ours, theirs } = await connected();
  let ended = false;
  ours.on('end', () => (ended = true));
  ours.on('readable', () => {});
  theirs.end('last');
  await until(() => ours.bytesRead === 4);
  expect(ended).toBe(false);
  expect(String(ours.read())).toBe('last');
  await until(() => ended);
});
