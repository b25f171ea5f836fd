import { extname, join } from 'node:path';
import { SHARE_ENV, Worker } from 'node:worker_threads';
import type { LogFormat } from '../log/line.ts';

/** Milliseconds between two beats of the loop. */
const beatEveryMs = 250;

// See docs/decisions/loop-watch.md.
export interface LoopWatchOptions {
  /** Stands on the log line as `app`. */
  name: string;
  format: LogFormat;
  /** Whether the line is written. */
  logs: boolean;
  /** CPU time that one turn of the loop may take. */
  limitMs: number;
}

/** The data of the watching thread. */
export interface LoopWatchData extends LoopWatchOptions {
  /** Counts the beats. */
  beats: SharedArrayBuffer;
}

/**
 * Ends the process when its event loop has not turned for too long while the process was busy: its code loops for ever, and no
 * signal, no probe's answer and no deadline of its own reaches it any more. CPU time is measured, so a process that was
 * stopped, whose machine was suspended or that got no CPU goes on.
 *
 * The watch is a thread of its own, for nothing else runs when the loop does not; it takes about 10 MB.
 */
export function watchLoop(options: LoopWatchOptions): void {
  const beats = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  const count = new Int32Array(beats);
  const workerData: LoopWatchData = { ...options, beats };
  const { dirname, filename } = import.meta;
  const worker = new Worker(join(dirname, `loop-watch-thread${extname(filename)}`), {
    workerData,
    env: SHARE_ENV,
    execArgv: ['--disable-warning=ExperimentalWarning'],
    trackUnmanagedFds: false,
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 1 },
  });
  // Without its watch the process serves as well; the liveness probe is behind it.
  worker.on('error', (error) => process.emitWarning(`the event loop is not watched any more: ${error.message}`));
  worker.unref();
  setInterval(() => Atomics.add(count, 0, 1), beatEveryMs).unref();
}
