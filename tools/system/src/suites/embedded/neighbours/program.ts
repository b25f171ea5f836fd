import { type ChildProcess, fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';

const flags = ['--conditions=@scaler/source', '--disable-warning=ExperimentalWarning'];

/** A command that runs a program of this folder. */
export function commandOf(name: string): readonly string[] {
  return [process.execPath, ...flags, join(import.meta.dirname, name)];
}

/**
 * Starts a program of this folder as a process of its own, which ends with the trial at the latest.
 */
export function startProgram(name: string, args: readonly string[] = []): ChildProcess {
  // A session of its own, so that {@link yieldToAll} has an effect.
  const child = fork(join(import.meta.dirname, name), args, { execArgv: flags, detached: true });
  const end = (): void => void child.kill('SIGKILL');
  process.once('exit', end);
  child.once('exit', () => process.off('exit', end));
  return child;
}

/**
 * For a hostile program: gives it a core only when no other process wants one, as if it ran on other nodes. The trial tests whether the
 * apps are fair, and not a machine of two cores on which a thousand clients run beside them.
 */
export function yieldToAll(): void {
  setPriority(constants.priority.PRIORITY_LOW);
  try {
    // Linux shares a core between sessions first, whatever the priorities within each.
    writeFileSync('/proc/self/autogroup', String(constants.priority.PRIORITY_LOW));
  } catch {
    // This kernel has no autogroups.
  }
}

/** For a program of this folder: ends with its parent. */
export function endWithParent(): void {
  process.on('disconnect', () => process.exit(1));
}

/** For a program of this folder: sends its report to its parent, and ends. */
export function endWith(report: object): void {
  process.send?.(report, () => process.exit(0));
}
