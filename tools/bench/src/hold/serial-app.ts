// An app like a synchronous worker: it accepts one connection, serves one request, closes, and accepts the next.
// Meanwhile other connections wait in the kernel's queue of 16, or the kernel drops them.
import { readSync, writeSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { serveCalls } from '../processes/calls.ts';
import { listen } from '../processes/listen.ts';
import { sharedMs } from '../processes/usage.ts';

const backlog = 16;
const patienceMs = 2000;

/** The calls that the app answers. */
export type SerialAppCalls = typeof calls;

const nap = new Int32Array(new SharedArrayBuffer(4));
const buffer = Buffer.alloc(65_536);
const seen: number[] = [];
let silent = 0;
let tookMs = 0;

// Node accepts the next connection when this returns, so everything here blocks.
const server = createServer({ pauseOnConnect: true }, (socket: Socket) => {
  const { fd } = (socket as unknown as { _handle: { fd: number } })._handle;
  const head = readHead(fd);
  if (head === undefined) silent += 1;
  else {
    const path = head.split(' ', 2)[1] ?? '';
    seen.push(Number(path.slice(1)));
    Atomics.wait(nap, 0, 0, tookMs);
    try {
      writeSync(fd, `HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: ${path.length}\r\n\r\n${path}`);
    } catch {
      silent += 1;
    }
  }
  socket.destroy();
});

/** The head of the one request; undefined when the peer closed, or sent nothing for too long. */
function readHead(fd: number): string | undefined {
  const endsAtMs = sharedMs() + patienceMs;
  let text = '';
  while (sharedMs() < endsAtMs) {
    try {
      const bytes = readSync(fd, buffer);
      if (bytes === 0) return undefined;
      text += buffer.toString('latin1', 0, bytes);
      if (text.includes('\r\n\r\n')) return text;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return undefined;
      Atomics.wait(nap, 0, 0, 0.1);
    }
  }
  return undefined;
}

const calls = {
  /** Resolves with its port. */
  async listen(options: { tookMs: number }): Promise<number> {
    tookMs = options.tookMs;
    return listen(server, backlog);
  },
  /** The numbers of the requests in order of service, and how many connections carried none. */
  seen: (): { numbers: number[]; silent: number } => ({ numbers: seen.splice(0), silent }),
};

serveCalls(calls);
