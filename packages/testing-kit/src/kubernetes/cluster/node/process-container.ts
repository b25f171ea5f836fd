import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Exit, RunningContainer } from './container.ts';
import type { Reaper } from './reaper.ts';

export interface ProcessOptions {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string | undefined;
  readonly reaper: Reaper;
}

const keptOutput = 2_048;

/** Runs a container as a child process, in a process group of its own. */
export function startProcessContainer({ command, env, cwd, reaper }: ProcessOptions): RunningContainer {
  const [program = '', ...args] = command;
  if (program === '') return neverStarted('the container has no command');
  const { promise: exited, resolve: exit } = Promise.withResolvers<Exit>();
  let output = '';
  let done = false;
  const child = spawn(program, args, { env, cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const { pid } = child;
  if (pid !== undefined) reaper.add(pid);

  const finish = (result: Exit): void => {
    if (done) return;
    done = true;
    // Processes that the program left behind in its group would keep its ports.
    if (pid !== undefined) signalGroup(pid);
    if (pid !== undefined) reaper.remove(pid);
    child.stdout.destroy();
    child.stderr.destroy();
    exit(output === '' ? result : { ...result, message: output });
  };
  const keep = (chunk: Buffer): void => void (output = (output + chunk.toString()).slice(-keptOutput));
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  child.on('error', (error) => {
    output = error.message;
    if (pid === undefined) finish({ exitCode: 128 });
  });
  child.on('exit', (code, signal) => {
    const number = signal === null ? undefined : constants.signals[signal];
    finish({ exitCode: code ?? 128 + (number ?? 0), ...(number !== undefined && { signal: number }) });
  });

  return {
    pid,
    exited,
    terminate: () => void (!done && child.kill('SIGTERM')),
    kill: () => void (!done && pid !== undefined && signalGroup(pid)),
  };
}

function neverStarted(message: string): RunningContainer {
  const exited = Promise.resolve({ exitCode: 128, message });
  return { pid: undefined, exited, terminate: () => undefined, kill: () => undefined };
}

function signalGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The whole group is gone.
  }
}
