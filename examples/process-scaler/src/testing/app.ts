import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

type Line = Readonly<Record<string, unknown>>;

/** One of the two apps as a real process; by path, since a scaler never imports an app. */
export interface App {
  /** The next log line, past ones included, that matches and was not returned before. @throws when it ends before that. */
  line(matches: (line: Line) => boolean): Promise<Line>;
  stop(): Promise<number | null>;
}

export function startApp(name: 'autoscaler' | 'dlx', args: readonly string[]): App {
  const main = fileURLToPath(new URL(`../../../../packages/${name}/src/main.ts`, import.meta.url));
  const flags = ['--conditions=@scaler/source', '--disable-warning=ExperimentalWarning'];
  const child = spawn(process.execPath, [...flags, main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: Line[] = [];
  let output = '';
  let check = (): void => undefined;
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  createInterface({ input: child.stdout }).on('line', (text) => {
    output += `${text}\n`;
    lines.push(JSON.parse(text) as Line);
    check();
  });
  const exited = once(child, 'exit').then(([code]) => {
    check();
    return code as number | null;
  });
  return {
    line: (matches) =>
      new Promise((resolve, reject) => {
        check = () => {
          const index = lines.findIndex(matches);
          if (index >= 0) resolve(lines.splice(index, 1)[0] as Line);
          else if (child.exitCode !== null) reject(new Error(`${name} ended with ${child.exitCode}: ${output}`));
        };
        check();
      }),
    stop() {
      child.kill('SIGTERM');
      return exited;
    },
  };
}
