import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach } from '@jest/globals';
import type { Endpoint } from '@scaler/scaler-types';
import { type ChildEnd, runBounded } from './children/bounded-child.ts';

const main = fileURLToPath(new URL('../main.ts', import.meta.url));
const webScaler = fileURLToPath(new URL('web-scaler.ts', import.meta.url));

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

/** The real program in a process of its own, with `web` awake at an endpoint. */
export interface RealDlx {
  /** The shared port. */
  readonly port: number;
  readonly pid: number;
  readonly ended: Promise<ChildEnd>;
  /** Whether `/readyz` answers, and how: within a second, else 0. */
  ready(): Promise<number>;
  peakMb(): number;
  kill(signal: NodeJS.Signals): void;
}

/** Resolves once it listens and is ready. It ends with the test, and before if it takes more memory or time than it may. */
export async function startRealDlx(web: Endpoint, flags: readonly string[] = []): Promise<RealDlx> {
  const node = ['--conditions=@scaler/source', '--disable-warning=ExperimentalWarning', '--expose-gc'];
  const ports = ['--listen-port=0', '--infra-port=0', '--admin-port=0'];
  const hosts = ['--listen-host=127.0.0.1', '--infra-host=127.0.0.1', '--identity=dlx-1'];
  const scaler = [`--scaler=${webScaler}`, `--scaler-option=port=${web.port}`];
  const args = [...node, main, ...scaler, ...hosts, ...ports, ...flags];
  const { child, ended, peakMb } = runBounded(args, { mostMb: 600, forMs: 60_000 });
  open.push(() => {
    child.kill('SIGKILL');
    return ended;
  });
  let gone: ChildEnd | undefined;
  void ended.then((end) => (gone = end));
  const line = await Promise.race([listening(child), ended]);
  if (typeof line !== 'string') throw new Error(`the DLX ended at once: ${JSON.stringify(line)}`);
  const { port, infra } = JSON.parse(line) as { port: number; infra: { port: number } };
  const ready = async (): Promise<number> => {
    const url = `http://127.0.0.1:${infra.port}/readyz`;
    return fetch(url, { signal: AbortSignal.timeout(1000) }).then(
      ({ status }) => status,
      () => 0,
    );
  };
  while ((await ready()) !== 200) if (gone !== undefined) throw new Error(`the DLX ended: ${JSON.stringify(gone)}`);
  return { port, pid: child.pid as number, ended, ready, peakMb, kill: (signal) => void child.kill(signal) };
}

/** Resolves with the log line that tells its ports. */
function listening({ stdout }: ChildProcess): Promise<string> {
  let log = '';
  return new Promise((resolve) => {
    stdout?.on('data', (chunk: Buffer) => {
      log += chunk.toString();
      const line = log.split('\n').find((one) => one.includes('"msg":"listening"') && one.endsWith('}'));
      if (line !== undefined) resolve(line);
    });
  });
}
