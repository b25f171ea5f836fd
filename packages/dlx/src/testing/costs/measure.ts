import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Runs the body of a module in a process of its own, with the modules of this package under `dlx`, and resolves with what it
 * gives to `tell`, before which it may name what has to live until then. `heap()` there is what is in use after a collection, what lies outside of the heap included.
 */
export async function measure<T>(body: string, flags: readonly string[] = []): Promise<T> {
  const root = new URL('../..', import.meta.url).href;
  const prelude = `
    const dlx = (path) => import(${JSON.stringify(root)} + path);
    const tell = (value) => console.log(JSON.stringify(value));
    const heap = () => {
      for (let i = 0; i < 4; i++) globalThis.gc();
      const { heapUsed, external } = process.memoryUsage();
      return heapUsed + external;
    };
  `;
  const args = ['--expose-gc', '--conditions=@scaler/source', '--disable-warning=ExperimentalWarning', ...flags];
  const { stdout } = await run(process.execPath, [...args, '--input-type=module', '-e', prelude + body]);
  return JSON.parse(stdout) as T;
}
