import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startProgram, stopProgram } from '../processes/program.ts';
import { freePort, untilListening } from './listening.ts';
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
export async function startConfigured(options: ConfiguredOptions): Promise<Proxy> {
  const { name, program, core } = options;
  const folder = mkdtempSync(join(tmpdir(), `scaler-bench-${program}-`));
  const tidy = (): void => rmSync(folder, { recursive: true, force: true });
  process.on('exit', tidy);
  const port = await freePort();
  const path = join(folder, 'config');
  writeFileSync(path, options.config(port, folder));
  const child = startProgram(program, { core, args: options.args(path, folder) });
  const stop = async (): Promise<void> => {
    await stopProgram(child);
    process.off('exit', tidy);
    tidy();
  };
  try {
    await untilListening(child, port);
  } catch (error) {
    await stop();
    throw error;
  }
  return { name, pid: child.pid as number, port, stop };
}
