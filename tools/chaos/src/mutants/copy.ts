import { cp, mkdir, mkdtemp, readdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Guard } from './guards.ts';

const sources = ['packages', 'examples', 'tools/chaos', 'tools/command', 'package.json', 'tsconfig.base.json'];
const leftOut = new Set(['dist', 'node_modules', '.nx']);

/** Copies the sources into a folder whose workspace packages are the copy's own; all other packages are the root's. */
export async function copySources(root: string): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'scaler-mutants-'));
  for (const source of sources) {
    await cp(join(root, source), join(copy, source), {
      recursive: true,
      filter: (path) => !leftOut.has(basename(path)),
    });
  }
  await mkdir(join(copy, 'node_modules/@scaler'), { recursive: true });
  for (const name of await readdir(join(root, 'node_modules'))) {
    if (name !== '@scaler') await symlink(join(root, 'node_modules', name), join(copy, 'node_modules', name));
  }
  // The links are relative: in the copy they lead to the copy.
  for (const name of await readdir(join(root, 'node_modules/@scaler'))) {
    const target = await readlink(join(root, 'node_modules/@scaler', name));
    if (target.startsWith('/')) throw new Error(`node_modules/@scaler/${name} is no relative link: ${target}`);
    await symlink(target, join(copy, 'node_modules/@scaler', name));
  }
  return copy;
}

/**
 * Takes a guard away in a copy. The answer puts it back.
 *
 * @throws when what is to be replaced is not there exactly once.
 */
export async function takeAway(copy: string, { name, edits }: Guard): Promise<() => Promise<void>> {
  const before = new Map<string, string>();
  for (const { file, find, replace } of edits) {
    const path = join(copy, file);
    const text = await readFile(path, 'utf8');
    if (!before.has(path)) before.set(path, text);
    const times = text.split(find).length - 1;
    if (times !== 1) throw new Error(`guard "${name}": ${file} has what is to be replaced ${times} times, not once`);
    // A function, so that a `$` in the text stands for itself.
    await writeFile(
      path,
      text.replace(find, () => replace),
    );
  }
  return async () => {
    for (const [path, text] of before) await writeFile(path, text);
  };
}
