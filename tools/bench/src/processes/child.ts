import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { cores } from '../machine/cores.ts';
import { type Calls, callsOf, type Remote } from './calls.ts';

export const root = join(import.meta.dirname, '../../../..');
/**
 * Whether this process runs the built code. From source, Node's stripping of types takes memory that a user's process
 * does not.
 */
export const isBuilt = import.meta.filename.endsWith('.js');
const fromSource = ['--conditions=@scaler/source', '--disable-warning=ExperimentalWarning'];

/** The file of a module of the bench, as source or built, like this one. */
export function moduleFile(name: string): string {
  return join(import.meta.dirname, '..', name + extname(import.meta.filename));
}

/** A command that may use this processor alone; undefined: all. */
export function onCore(core: number | undefined, command: readonly string[]): [program: string, args: string[]] {
  const [program = '', ...args] = core === undefined ? command : ['taskset', '-c', String(core), ...command];
  return [program, args];
}

export interface NodeOptions {
  readonly args?: readonly string[];
  /** The processor that it may use. Undefined: all. */
  readonly core: number | undefined;
  /** Flags of Node itself. */
  readonly nodeFlags?: readonly string[];
  /** Default: the root of this tree. */
  readonly cwd?: string;
}

/**
 * Starts a file of the repository with the Node that runs this process; the caller reads its standard output and error.
 */
export function startNode(file: string, { args = [], core, nodeFlags = [], cwd = root }: NodeOptions): ChildProcess {
  const first = `--import=${moduleFile('processes/end-with-parent')}`;
  const flags = [...(isBuilt ? [] : fromSource), first, ...nodeFlags];
  return spawn(...onCore(core, [process.execPath, ...flags, file, ...args]), {
    cwd,
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '/' },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
}

/** A process of the bench that answers calls; disposing ends it. */
export interface Worker<C extends Calls> extends AsyncDisposable {
  readonly pid: number;
  readonly calls: Remote<C>;
}

/** Starts a module that calls `serveCalls`; calls may begin at once. */
export async function startWorker<C extends Calls>(module: string, core = cores.others): Promise<Worker<C>> {
  const child = startNode(moduleFile(module), { core });
  child.stdout?.pipe(process.stderr);
  child.stderr?.pipe(process.stderr);
  await once(child, 'spawn');
  return { pid: child.pid as number, calls: callsOf<C>(child), [Symbol.asyncDispose]: () => kill(child) };
}

/** Ends it at once. */
export async function kill(child: ChildProcess): Promise<void> {
  await end(child, 'SIGKILL');
}

/** Ends it; resolves with its exit code, null when a signal ended it. */
export async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exited = once(child, 'exit');
  child.kill(signal);
  const [code] = (await exited) as [number | null];
  return code;
}

/**
 * The number of files that a child of this process may have open. Node itself raises the soft limit to the hard one.
 */
export function openFileLimit(): number {
  const line = /^Max open files\s+\S+\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
  return line?.[1] === 'unlimited' ? Number.MAX_SAFE_INTEGER : Number(line?.[1] ?? 1024);
}
