// A program that outlives the one which started it, by moments: when its standard input ends, because that process
// ended the input or died, it kills the process groups that are still on its list. Lines: `+pid`, `-pid`.
import { createInterface } from 'node:readline';

const running = new Set<number>();
const lines = createInterface({ input: process.stdin });

lines.on('line', (line) => {
  const pid = Number(line.slice(1));
  if (line.startsWith('+')) running.add(pid);
  else running.delete(pid);
});
lines.on('close', () => {
  for (const pid of running) {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // Gone by itself.
    }
  }
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
