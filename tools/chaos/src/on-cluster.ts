import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Options } from './options.ts';

const e2e = fileURLToPath(new URL('../../system/src/e2e.ts', import.meta.url));

/** Runs the scenario of the end-to-end tests that plays a script on a real cluster; resolves with its exit code. */
export async function runOnCluster({ seed, steps, only }: Options): Promise<number> {
  const child = spawn(process.execPath, [...process.execArgv, e2e, '--all', 'chaos'], {
    stdio: 'inherit',
    env: {
      ...process.env,
      CHAOS_SEED: String(seed),
      CHAOS_STEPS: String(steps),
      ...(only !== undefined && { CHAOS_ONLY: only.join(',') }),
    },
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}
