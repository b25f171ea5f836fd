import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '@scaler/command';
import { programPath } from '../machine/programs.ts';
import { kill, onCore } from '../processes/child.ts';
import { listen } from '../processes/listen.ts';
import type { Proxy } from './proxy.ts';

export interface ConfiguredOptions {
  readonly name: string;
  readonly program: string;
  readonly core: number | undefined;
  /** The text of its config file. The folder is its own, and is removed afterwards. */
  config(port: number, folder: string): string;
  args(configPath: string, folder: string): readonly string[];
}

/** Starts a program from PATH with a config file made for it; resolves once it accepts connections. */
export async function startConfigured({ name, program, core, config, args }: ConfiguredOptions): Promise<Proxy> {
  const path = programPath(program);
  const folder = mkdtempSync(join(tmpdir(), `scaler-bench-${program}-`));
  const port = await freePort();
  const configPath = join(folder, 'config');
  writeFileSync(configPath, config(port, folder));
  const child = spawn(...onCore(core, [path, ...args(configPath, folder)]), { stdio: ['ignore', 'pipe', 'pipe'] });
  const tidy = (): void => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  // It ends with this process at the latest.
  process.on('exit', tidy);
  const stop = async (): Promise<void> => {
    await kill(child);
    process.off('exit', tidy);
    tidy();
  };
  let said = '';
  for (const output of [child.stdout, child.stderr]) output.on('data', (chunk) => (said += String(chunk)));
  try {
    await until(`${program} to listen on ${port}`, 10_000, () => takesConnections(port));
  } catch (error) {
    await stop();
    throw new Error(`${(error as Error).message}: ${said}`, { cause: error });
  }
  return { name, pid: child.pid as number, port, [Symbol.asyncDispose]: stop };
}

/** A free port, for a program that cannot choose one itself. */
async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  server.close();
  await once(server, 'close');
  return port;
}

async function takesConnections(port: number): Promise<true> {
  const socket = connect({ port, host: '127.0.0.1' });
  try {
    await once(socket, 'connect');
    return true;
  } finally {
    socket.destroy();
  }
}
