import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Sees to it that child processes die with this one, even if this one is killed. */
export interface Reaper {
  add(pid: number): void;
  remove(pid: number): void;
  close(): Promise<void>;
}

/** Creates a reaper; its own process is started with the first child. */
export function createReaper(): Reaper {
  let helper: ChildProcess | undefined;
  const write = (line: string): void => void helper?.stdin?.write(`${line}\n`);

  const start = (): ChildProcess => {
    const self = fileURLToPath(import.meta.url);
    const program = fileURLToPath(new URL(`./reaper-app${extname(self)}`, import.meta.url));
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program], {
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
