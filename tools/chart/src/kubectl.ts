import { spawn } from 'node:child_process';

export interface Ran {
  code: number;
  /** Standard output; with standard error, where it failed. */
  text: string;
}

/** Runs a program to its end, whatever its exit code. */
export function run(program: string, args: readonly string[], input?: string): Promise<Ran> {
  return new Promise((resolve, reject) => {
    // By the PATH of now: in a test that is not the one of the start.
    const child = spawn(program, args, { env: process.env });
    let text = '';
    let errors = '';
    child.stdout.on('data', (chunk) => (text += String(chunk)));
    child.stderr.on('data', (chunk) => (errors += String(chunk)));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, text: (code === 0 ? text : text + errors).trim() }));
    child.stdin.end(input);
  });
}

async function must(program: string, args: readonly string[], input?: string): Promise<string> {
  const { code, text } = await run(program, args, input);
  if (code !== 0) throw new Error(`${program} ${args.join(' ')}: ${text}`);
  return text;
}

/** @throws with what it said when it fails. */
export function kubectl(args: readonly string[], input?: string): Promise<string> {
  return must('kubectl', args, input);
}

/** @throws with what it said when it fails. */
export function helm(args: readonly string[], input?: string): Promise<string> {
  return must('helm', args, input);
}

/** @throws when it does not hold in time; with the last error, if that was why. */
export async function until(what: string, limitMs: number, holds: () => Promise<boolean>): Promise<number> {
  const beginMs = performance.now();
  let last = '';
  while (performance.now() - beginMs < limitMs) {
    const ok = await holds().catch((error: unknown) => {
      last = String(error);
      return false;
    });
    if (ok) return performance.now() - beginMs;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`not within ${limitMs / 1000} s: ${what}${last && ` (${last})`}`);
}
