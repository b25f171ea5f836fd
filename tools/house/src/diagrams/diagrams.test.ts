import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { root } from '../sources.ts';

// A process of its own: Mermaid needs a hook on how its modules are found.
const parse = (...files: string[]): Promise<{ stdout: string }> =>
  promisify(execFile)(process.execPath, [join(import.meta.dirname, 'parse.js'), ...files], { cwd: root });

test('every diagram of ARCHITECTURE.md is one that Mermaid draws', async () => {
  const { stdout } = await parse('ARCHITECTURE.md');
  expect(stdout.trim().replaceAll(/^.*: /gm, '').split('\n')).toEqual(['flowchart-v2', 'stateDiagram', 'flowchart-v2']);
});

test('a diagram that Mermaid does not draw is told with its line', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'diagrams-'));
  try {
    const file = join(folder, 'wrong.md');
    await writeFile(file, '# A\n\n```mermaid\nflowchart LR\n  a[[[ ->\n```\n');
    await expect(parse(file)).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('wrong.md:3: Parse') });
  } finally {
    await rm(folder, { recursive: true });
  }
});
