import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../main.ts', import.meta.url));

type Line = Readonly<Record<string, unknown>>;

/** The real program, in a process of its own. */
export interface Program {
  /** Resolves with the first log line, past or to come, that matches. @throws when the program ends before that. */
  line(matches: (line: Line) => boolean): Promise<Line>;
  stderr(): string;
  /** Sends SIGTERM and resolves with the exit code. */
  stop(): Promise<number | null>;
  readonly exited: Promise<number | null>;
}

export function startProgram(args: readonly string[], cwd: string = process.cwd()): Program {
  const child = spawn(
    process.execPath,
    ['--conditions=@scaler/source', '--disable-warning=ExperimentalWarning', main, ...args],
    {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'] },
    },
  );
  const lines: Line[] = [];
  let stderr = '';
  let onLine: () => void = () => undefined;
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  createInterface({ input: child.stdout }).on('line', (text) => {
    lines.push(JSON.parse(text) as Line);
    onLine();
  });
  const exited = once(child, 'exit').then(([code]) => {
    onLine();
    return code as number | null;
  });
  return {
    exited,
    stderr: () => stderr,
    line: (matches) =>
      new Promise((resolve, reject) => {
        onLine = () => {
          const found = lines.find(matches);
          if (found) resolve(found);
          else if (child.exitCode !== null) reject(new Error(`ended with ${child.exitCode}: ${stderr}`));
        };
        onLine();
      }),
    stop() {
      child.kill('SIGTERM');
      return exited;
    },
  };
}
