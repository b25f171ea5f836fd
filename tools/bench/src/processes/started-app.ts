import { type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { ownFlags } from '@scaler/demo';
import { cores } from '../machine/cores.ts';
import { isBuilt, kill, type NodeOptions, root, startNode } from './child.ts';
import { sharedMs } from './usage.ts';

const startLimitMs = 60_000;

export interface AppOptions extends Pick<NodeOptions, 'nodeFlags'> {
  readonly args: readonly string[];
  /** The folder of the repository's tree whose program it is. Default: this one. */
  readonly tree?: string | undefined;
}

/**
 * Starts an app as users run it, with its servers on free ports of loopback, and waits until it is ready.
 *
 * @throws with the end of its log when it does not become ready.
 */
export async function startApp(name: 'autoscaler' | 'dlx', { args, nodeFlags = [], tree = root }: AppOptions) {
  const program = join(tree, 'packages', name, isBuilt ? 'dist/main.js' : 'src/main.ts');
  const startedMs = sharedMs();
  const child = startNode(program, {
    core: cores.proxy,
    // Where it looks for the scaler that it is to load.
    cwd: tree,
    nodeFlags: [...ownFlags(program), ...nodeFlags],
    args: ['--infra-host=127.0.0.1', '--infra-port=0', '--admin-port=0', ...args],
  });
  const limit = AbortSignal.timeout(startLimitMs);
  const log: string[] = [];
  const listens = listening(child, log, limit);
  // Prints the log here: the next request to the app would only see a refused connection.
  child.once('exit', (code, signal) => {
    if (code !== 0 && signal !== 'SIGKILL') console.error(`the ${name} ended: ${signal ?? code}\n${log.join('\n')}`);
  });
  try {
    const { port = 0, infra } = await listens;
    while (!(await isReady(infra.port))) {
      limit.throwIfAborted();
      await sleep(5);
    }
    /** `port`: the DLX's shared one; 0 of the autoscaler, which has none. `readyAfterMs`: from the start on. */
    return { child, port, infraPort: infra.port, readyAfterMs: sharedMs() - startedMs };
  } catch (error) {
    await kill(child);
    throw new Error(`the ${name} did not start:\n${log.join('\n')}`, { cause: error });
  }
}

/** The fields of the log line `listening`. */
interface Listening {
  readonly port?: number;
  readonly infra: { readonly port: number };
}

/** Resolves with the log line `listening`; the last lines are kept in `log`. */
function listening(child: ChildProcess, log: string[], limit: AbortSignal): Promise<Listening> {
  const { promise, resolve, reject } = Promise.withResolvers<Listening>();
  for (const input of [child.stdout, child.stderr]) {
    if (input === null) continue;
    createInterface({ input }).on('line', (line) => {
      if (line.includes('"listening"')) resolve(JSON.parse(line) as Listening);
      if (log.push(line) > 50) log.shift();
    });
  }
  child.once('exit', (code) => reject(new Error(`ended with ${code}`)));
  limit.addEventListener('abort', () => reject(limit.reason as Error));
  return promise;
}

function isReady(infraPort: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${infraPort}/readyz`).then(
    ({ ok }) => ok,
    // A kept connection that the app closed after a long turn of its event loop.
    () => false,
  );
}
