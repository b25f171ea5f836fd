import { type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { ownFlags } from '@scaler/demo';
import { end, isBuilt, type NodeOptions, root, startNode } from './child.ts';
import { sharedMs } from './usage.ts';

const startLimitMs = 60_000;

/** One of our two apps in a process of its own, ready. */
export interface StartedApp {
  readonly child: ChildProcess;
  /** The DLX's shared port; 0 of the autoscaler, which has none. */
  readonly port: number;
  readonly infraPort: number;
  /** Milliseconds from its start until `/readyz` answered 200. */
  readonly readyAfterMs: number;
}

/**
 * Starts an app as users run it, with its servers on free ports of loopback, and waits until it is ready.
 *
 * @param options `tree`: the folder of the repository's tree whose program it is. Default: this one.
 * @throws with the end of its log when it does not become ready.
 */
export async function startApp(
  name: 'autoscaler' | 'dlx',
  { tree = root, ...options }: NodeOptions & { readonly tree?: string | undefined } = {},
): Promise<StartedApp> {
  const { args = [], nodeFlags = [] } = options;
  const program = join(tree, 'packages', name, isBuilt ? 'dist/main.js' : 'src/main.ts');
  const startedMs = sharedMs();
  const child = startNode(program, {
    ...options,
    // Where it looks for the scaler that it is to load.
    cwd: tree,
    nodeFlags: [...ownFlags(program), ...nodeFlags],
    args: ['--infra-host=127.0.0.1', '--infra-port=0', '--admin-port=0', ...args],
  });
  const log = logOf(child);
  // Prints the log here: the next request to the app would only see a refused connection.
  child.once('exit', (code, signal) => {
    if (code !== 0 && signal !== 'SIGKILL') console.error(`the ${name} ended: ${signal ?? code}\n${log.join('\n')}`);
  });
  try {
    const { port = 0, infra } = await listening(child, log);
    await ready(infra.port);
    return { child, port, infraPort: infra.port, readyAfterMs: sharedMs() - startedMs };
  } catch (error) {
    await end(child, 'SIGKILL');
    throw new Error(`the ${name} did not start:\n${log.join('\n')}`, { cause: error });
  }
}

/** The fields of the log line `listening`. */
interface Listening {
  readonly port?: number;
  readonly infra: { readonly port: number };
}

/** The last lines of its log, kept up to date. */
function logOf(child: ChildProcess): string[] {
  const lines: string[] = [];
  for (const input of [child.stdout, child.stderr]) {
    if (input === null) continue;
    createInterface({ input }).on('line', (line) => {
      lines.push(line);
      if (lines.length > 50) lines.shift();
    });
  }
  return lines;
}

async function listening(child: ChildProcess, log: readonly string[]): Promise<Listening> {
  const endsAtMs = sharedMs() + startLimitMs;
  while (sharedMs() < endsAtMs && child.exitCode === null) {
    const line = log.find((text) => text.includes('"listening"'));
    if (line !== undefined) return JSON.parse(line) as Listening;
    await sleep(5);
  }
  throw new Error(`ended with ${child.exitCode}, or not listening after ${startLimitMs} ms`);
}

async function ready(infraPort: number): Promise<void> {
  const endsAtMs = sharedMs() + startLimitMs;
  const isReady = (): Promise<boolean> =>
    fetch(`http://127.0.0.1:${infraPort}/readyz`).then(
      ({ ok }) => ok,
      // A kept connection that the app closed after a long turn of its event loop.
      () => false,
    );
  while (!(await isReady())) {
    if (sharedMs() > endsAtMs) throw new Error(`not ready after ${startLimitMs} ms`);
    await sleep(5);
  }
}
