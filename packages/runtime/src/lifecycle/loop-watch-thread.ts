// The thread of loop-watch.ts. It imports nothing that is big: it has a heap of its own.
import { writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { formatLine } from '../log/line.ts';
import { BusyTurn } from './busy-turn.ts';
import type { LoopWatchData } from './loop-watch.ts';

const { beats, limitMs, name, format, logs } = workerData as LoopWatchData;
const count = new Int32Array(beats);
/** After so many milliseconds a signal had no effect: process 1 of a container gets only signals that it handles. */
const unheardMs = 500;

const turn = new BusyTurn();
const looks = setInterval(
  () => {
    const { user, system } = process.cpuUsage();
    const forMs = turn.look(Atomics.load(count, 0), (user + system) / 1000, performance.now());
    if (forMs < limitMs) return;
    clearInterval(looks);
    end(forMs);
  },
  Math.max(50, Math.min(500, limitMs / 5)),
);

function end(forMs: number): void {
  if (logs) logEnd(forMs);
  setTimeout(crash, unheardMs);
  process.kill(process.pid, 'SIGABRT');
}

function logEnd(forMs: number): void {
  const message = 'the event loop does not turn any more, ending the process';
  try {
    // memoryUsage opens a file, and there may be no descriptor left.
    const { rss } = process.memoryUsage();
    const fields = { cpuMs: Math.round(forMs), limitMs, rssMb: Math.round(rss / 2 ** 20) };
    writeSync(1, `${formatLine({ timeMs: Date.now(), level: 'error', app: name, message, fields }, format)}\n`);
  } catch {
    // Nothing reads standard output.
  }
}

/** A thread has no call that ends its process. A failed assertion of Node's does, process 1 too. */
function crash(): void {
  const { binding } = process as unknown as { binding(name: string): { TCP: new () => unknown } };
  Reflect.construct(binding.call(process, 'tcp_wrap').TCP, []);
}
