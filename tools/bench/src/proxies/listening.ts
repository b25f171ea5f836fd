import { type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { sharedMs } from '../processes/usage.ts';

const limitMs = 10_000;

/** A free port, for a program that cannot choose one itself. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Waits until a program accepts connections. @throws with its output when it ends instead. */
export async function untilListening(child: ChildProcess, port: number): Promise<void> {
  let said = '';
  for (const output of [child.stdout, child.stderr]) {
    output?.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
  }
  const endsAtMs = sharedMs() + limitMs;
  while (child.exitCode === null && child.signalCode === null && sharedMs() < endsAtMs) {
    if (await takesConnections(port)) return;
    await sleep(10);
  }
  throw new Error(`${child.spawnfile} does not listen on ${port}: ${said}`);
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const end = (does: boolean): void => {
      socket.destroy();
      resolve(does);
    };
    socket.on('connect', () => end(true)).on('error', () => end(false));
  });
}
