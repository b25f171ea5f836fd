import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { until } from '@scaler/command';

/** An installed program of ours that runs. */
export interface App extends AsyncDisposable {
  readonly infraPort: number;
}

/** Starts an app by the name of its program, in the folder in which npm has installed it; resolves when it is ready. */
export async function startApp(folder: string, name: 'dlx' | 'autoscaler', args: readonly string[]): Promise<App> {
  const ports = ['--infra-host=127.0.0.1', '--infra-port=0', '--admin-port=0', '--log-format=json'];
  const program = join(folder, 'node_modules/.bin', `scaler-${name}`);
  const child = spawn(program, [...args, ...ports], { cwd: folder, env: { PATH: process.env['PATH'] } });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += String(chunk)));
  const closed = once(child, 'close');
  const infraPort = (): number => Number(/"infra":{[^}]*"port":(\d+)/.exec(said)?.[1] ?? 0);
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await closed;
  };
  try {
    await until(`scaler-${name} to be ready`, 30_000, async () => {
      if (child.exitCode !== null) return true;
      return infraPort() > 0 && (await fetch(`http://127.0.0.1:${infraPort()}/readyz`)).ok ? true : undefined;
    });
    if (child.exitCode !== null) throw new Error(`scaler-${name} ended with exit code ${child.exitCode}`);
  } catch (error) {
    await stop();
    throw new Error(`${(error as Error).message}\n${said}`, { cause: error });
  }
  return { infraPort: infraPort(), [Symbol.asyncDispose]: stop };
}
