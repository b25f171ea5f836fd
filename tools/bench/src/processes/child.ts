import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beside } from './beside.ts';
import { type Calls, callsOf, type Remote } from './calls.ts';

export const root = join(import.meta.dirname, '../../../..');
/**
 * Whether this process runs the built code. From source, Node's stripping of types takes memory that a user's process
 * does not.
 */
export const isBuilt = import.meta.filename.endsWith('.js');
const fromSource = ['--conditions=@scaler/source', '--disable-warning=ExperimentalWarning'];

export interface NodeOptions {
  readonly args?: readonly string[];
  /** The processor that it may use. Default: all. */
  readonly core?: number | undefined;
  /** Flags of Node itself. */
  readonly nodeFlags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Default: the root of this tree. */
  readonly cwd?: string;
}

/**
 * Starts a file of the repository with the Node that runs this process; the caller reads its standard output and error.
 */
export function startNode(file: string, options: NodeOptions = {}): ChildProcess {
  const { args = [], core, nodeFlags = [], env, cwd = root } = options;
  const first = `--import=${beside(import.meta, 'end-with-parent')}`;
  const flags = [...(isBuilt ? [] : fromSource), first, ...nodeFlags];
  const node = [process.execPath, ...flags, file, ...args];
  const [command = '', ...rest] = core === undefined ? node : ['taskset', '-c', String(core), ...node];
  return spawn(command, rest, {
    cwd,
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '/', ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
}

/** A process of the bench that answers calls. */
export interface Worker<C extends Calls> {
  readonly pid: number;
  readonly calls: Remote<C>;
  stop(): Promise<void>;
}

/** Starts a file that calls `serveCalls`; calls may begin at once. */
export async function startWorker<C extends Calls>(file: string, options: NodeOptions = {}): Promise<Worker<C>> {
  const child = startNode(file, options);
  child.stdout?.pipe(process.stderr);
  child.stderr?.pipe(process.stderr);
  await once(child, 'spawn');
  return { pid: child.pid as number, calls: callsOf<C>(child), stop: () => end(child, 'SIGKILL').then(() => {}) };
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
