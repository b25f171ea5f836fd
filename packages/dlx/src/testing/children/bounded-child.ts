import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

/** Bytes of a page of memory, as Linux counts them in `/proc`. */
const pageBytes = 4096;
const lookEveryMs = 50;

export interface ChildBounds {
  /** It is killed once it takes more memory. */
  readonly mostMb: number;
  /** It is killed when it has not ended by then. */
  readonly forMs: number;
}

export interface ChildEnd {
  /** Undefined: it was killed. */
  readonly code: number | undefined;
  /** By our bounds; undefined: it ended by itself, or by another's signal. */
  readonly killed: 'memory' | 'time' | undefined;
  readonly peakMb: number;
  readonly out: string;
  readonly err: string;
}

export interface BoundedChild {
  readonly child: ChildProcess;
  readonly ended: Promise<ChildEnd>;
  /** What it has taken so far at most. */
  peakMb(): number;
}

/** Runs Node in a process that cannot take this machine with it, whatever it does. Linux only. */
export function runBounded(args: readonly string[], bounds: ChildBounds, node = process.execPath): BoundedChild {
  // Jest's own NODE_OPTIONS and the runner's settings are not for this child.
  const env = { PATH: process.env['PATH'] ?? '' };
  const child = spawn(node, args, { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  const texts = { out: '', err: '' };
  child.stdout?.on('data', (chunk: Buffer) => (texts.out += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (texts.err += chunk.toString()));
  let peakMb = 0;
  let killed: ChildEnd['killed'];
  const kill = (why: ChildEnd['killed']): void => {
    killed ??= why;
    child.kill('SIGKILL');
  };
  const look = setInterval(() => {
    peakMb = Math.max(peakMb, residentMb(child.pid));
    if (peakMb > bounds.mostMb) kill('memory');
  }, lookEveryMs);
  const late = setTimeout(() => kill('time'), bounds.forMs);
  const ended = once(child, 'close').then(([code]): ChildEnd => {
    clearInterval(look);
    clearTimeout(late);
    return { code: (code as number | null) ?? undefined, killed, peakMb, ...texts };
  });
  return { child, ended, peakMb: () => peakMb };
}

function residentMb(pid: number | undefined): number {
  try {
    return (Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * pageBytes) / 2 ** 20;
  } catch {
    // It is gone.
    return 0;
  }
}
