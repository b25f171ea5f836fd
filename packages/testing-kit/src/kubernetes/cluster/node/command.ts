import { spawn } from 'node:child_process';

/** Runs a command to its end, for exec probes and hooks; resolves with whether it exited with 0. Never rejects. */
export function runCommand(
  command: readonly string[],
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<boolean> {
  const [program = '', ...args] = command;
  return new Promise((resolve) => {
    const child = spawn(program, args, { env, signal, killSignal: 'SIGKILL', stdio: 'ignore' });
    child.on('error', () => resolve(false));
    child.on('exit', (code) => resolve(code === 0));
  });
}
