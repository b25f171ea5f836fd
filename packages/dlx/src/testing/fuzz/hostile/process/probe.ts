// Preloaded into the DLX under test: tells on descriptor 3 what turns of its event loop took, in CPU time of the thread
// that runs it, which other processes on the machine do not make longer. A line for each: `milliseconds`.
import { writeSync } from 'node:fs';

/** Shorter ones are not reported. */
const toldMs = 20;

const threadMs = (): number => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
};

let lastMs = threadMs();

// One that is not referenced runs once per turn, and does not keep the loop from waiting.
function look(): void {
  setImmediate(look).unref();
  const nowMs = threadMs();
  const tookMs = nowMs - lastMs;
  lastMs = nowMs;
  if (tookMs < toldMs) return;
  writeSync(3, `${tookMs.toFixed(1)}\n`);
  lastMs = threadMs();
}
look();
