import { spawn } from 'node:child_process';
import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from '@jest/globals';

const root = join(import.meta.dirname, '../../..');

test('npm run dev brings both apps up, and starts one again when a file of it changes', async () => {
  const args = ['--conditions=@scaler/source', '--disable-warning=ExperimentalWarning', 'tools/demo/src/dev.ts'];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  const seen: string[] = [];
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const until = async (wanted: RegExp): Promise<void> => {
    for (;;) {
      const { value, done } = await lines.next();
      if (done === true) throw new Error(`npm run dev ended before it said ${String(wanted)}:\n${seen.join('\n')}`);
      seen.push(value);
      if (wanted.test(value)) return;
    }
  };
  try {
    await until(/^>>> Change a file/);
    const now = new Date();
    await utimes(join(root, 'packages/dlx/src/main.ts'), now, now);
    await until(/^dlx\s+Restarting /);
    await until(/^dlx\s.*configuration/);
  } finally {
    child.kill('SIGINT');
    await new Promise((resolve) => child.once('close', resolve));
  }
  expect(child.exitCode).toBe(0);
}, 120_000);
