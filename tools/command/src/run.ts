import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Ran {
  readonly code: number;
  /** Standard output; with standard error, where it failed. */
  readonly text: string;
}

export interface RunOptions {
  readonly cwd?: string;
  /** Its standard input. */
  readonly input?: string | undefined;
}

/** Runs a program to its end, whatever its exit code. Rejects when it cannot be started. */
export function run(program: string, args: readonly string[], { cwd, input }: RunOptions = {}): Promise<Ran> {
  return new Promise((resolve, reject) => {
    // By the PATH of now: in a test that is not the one of the start.
    const child = spawn(program, args, { cwd, env: process.env });
    let text = '';
    let errors = '';
    child.stdout.on('data', (chunk) => (text += String(chunk)));
    child.stderr.on('data', (chunk) => (errors += String(chunk)));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, text: (code === 0 ? text : text + errors).trim() }));
    child.stdin.end(input);
  });
}

/**
 * Runs a program to its end, and resolves with what it printed.
 *
 * @throws with all that it printed when it fails.
 */
export async function must(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, text } = await run(program, args, options);
  if (code !== 0) throw new Error(`${program} ${args.join(' ')}: ${text || `exit code ${code}`}`);
  return text;
}

/**
 * Asks every 100 ms until `probe` has an answer.
 *
 * @throws after `limitMs`, naming what was waited for and the last error.
 */
export async function until<T>(what: string, limitMs: number, probe: () => Promise<T | undefined>): Promise<T> {
  const endMs = performance.now() + limitMs;
  let last: unknown;
  while (performance.now() < endMs) {
    try {
      const answer = await probe();
      if (answer !== undefined) return answer;
      last = undefined;
    } catch (error) {
      last = error;
    }
    await sleep(100);
  }
  throw new Error(`waited ${limitMs / 1000} s in vain for ${what}${last ? `: ${String(last)}` : ''}`, { cause: last });
}
