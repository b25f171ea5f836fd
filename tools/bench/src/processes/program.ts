import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { programPath } from '../machine/programs.ts';
import { end } from './child.ts';

export interface ProgramOptions {
  readonly args: readonly string[];
  /** The processor that it may use. Default: all. */
  readonly core: number | undefined;
}

const running = new Set<ChildProcess>();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** Starts a program from PATH, which ends with this process at the latest. */
export function startProgram(name: string, { args, core }: ProgramOptions): ChildProcess {
  const all = [programPath(name), ...args];
  const [command = '', ...rest] = core === undefined ? all : ['taskset', '-c', String(core), ...all];
  const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  child.on('exit', () => running.delete(child));
  return child;
}

/** Runs a program to its end; resolves with its output. @throws when it fails. */
export async function runProgram(name: string, options: ProgramOptions): Promise<string> {
  const child = startProgram(name, options);
  let said = '';
  for (const output of [child.stdout, child.stderr]) {
    output?.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
  }
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${name} ended with ${code}: ${said}`);
  return said;
}

export async function stopProgram(child: ChildProcess): Promise<void> {
  await end(child, 'SIGKILL');
}
