import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { freePort } from '../testing/free-port.ts';
import { send, startHarness, testSettings } from '../testing/harness.ts';

let child: ChildProcess | undefined;
const sockets: Socket[] = [];
afterEach(() => {
  child?.kill('SIGKILL');
  for (const socket of sockets.splice(0)) socket.destroy();
});

test('where no more files may be opened the process goes on, and serves again as soon as there are', async () => {
  const program = join(import.meta.dirname, '../testing/children/held-child.ts');
  const settings = JSON.stringify([testSettings, await freePort(), 1]);
  const node = `"${process.execPath}" --expose-gc --conditions=@scaler/source "${program}"`;
  child = spawn('sh', ['-c', `ulimit -n 80; exec ${node} '${settings}'`], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const [port] = (await once(child, 'message')) as [number];
  for (let i = 0; i < 200; i++) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    sockets.push(socket);
  }
  await Promise.all(sockets.map((socket) => (socket.connecting ? once(socket, 'connect') : undefined)));
  // It still answers on other ways.
  child.send(false);
  await once(child, 'message');
  for (const socket of sockets.splice(0)) socket.destroy();
  const answer = await send({ port, path: '/', headers: { host: 'unknown' } });
  expect([answer.status, child.exitCode]).toEqual([404, null]);
}, 30_000);

test('of connections that close at once few are ended in one turn of the event loop, and all in the end', async () => {
  const h = await startHarness();
  h.scaler.set({ name: 'web' });
  for (let i = 0; i < 120; i++) await h.raw('GET / HTTP/1.1\r\nhost: web\r\n\r\n');
  await h.until(() => h.held() === 120);
  const { outcomes } = h.dlx.core.accounting;
  for (const { socket } of [...h.dlx.server.connections]) socket.destroy();
  const perTurn: number[] = [];
  for (let before = 0; outcomes['client-gone'] < 120; before = outcomes['client-gone']) {
    await new Promise((resolve) => setImmediate(resolve));
    perTurn.push(outcomes['client-gone'] - before);
  }
  expect(Math.max(...perTurn)).toBeLessThanOrEqual(50);
  await h.end({ 'client-gone': 120 });
});
