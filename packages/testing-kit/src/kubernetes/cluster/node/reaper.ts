// Both a module and, run by it, a program; so nothing but Node may be imported here.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** Sees to it that child processes die with this one, even if this one is killed. */
export interface Reaper {
  add(pid: number): void;
  remove(pid: number): void;
  close(): Promise<void>;
}

const marker = 'scaler-testing-kit-reaper';

/** Creates a reaper; its own process is started with the first child. */
export function createReaper(): Reaper {
  let helper: ChildProcess | undefined;
  const write = (line: string): void => void helper?.stdin?.write(`${line}\n`);

  const start = (): ChildProcess => {
    const program = fileURLToPath(import.meta.url);
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, marker], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
      env: {},
    });
    child.on('error', () => undefined);
    child.stdin.on('error', () => undefined);
    return child;
  };

  return {
    add(pid) {
      helper ??= start();
      write(`+${pid}`);
    },
    remove: (pid) => write(`-${pid}`),
    async close() {
      if (helper === undefined || helper.exitCode !== null || helper.pid === undefined) return;
      const exited = once(helper, 'exit');
      helper.stdin?.end();
      await exited;
    },
  };
}

/** When the standard input ends, because the process at its other end closed it or died, kills what is still listed. */
function main(): void {
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
}

if (process.argv[2] === marker) main();
