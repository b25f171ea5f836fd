// A thread that keeps exact time: timers of an event loop are late by up to 1 ms, a wait on memory by some 0.1 ms.
import { parentPort, workerData } from 'node:worker_threads';

const dueMs = workerData as readonly number[];
const nothing = new Int32Array(new SharedArrayBuffer(4));
const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;

for (const atMs of dueMs) {
  const leftMs = atMs - nowMs();
  if (leftMs > 0) Atomics.wait(nothing, 0, 0, leftMs);
  parentPort?.postMessage(undefined);
}
