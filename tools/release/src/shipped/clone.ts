import { lstat, mkdir, readdir, readlink, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { must } from '@scaler/command';
import { root } from '../packages.ts';

/** A clone of this checkout, on its branch `main`, and the repository that it pushes to. */
export interface Clone {
  readonly folder: string;
  readonly origin: string;
  /** Runs a program in it; resolves with what it printed. */
  run(program: string, ...args: readonly string[]): Promise<string>;
}

/** Clones this checkout into `place`, with the changes of its files that are not committed yet; its packages are linked. */
export async function cloneInto(place: string): Promise<Clone> {
  const [origin, folder] = [join(place, 'origin.git'), join(place, 'clone')];
  const here = { cwd: root };
  // Refreshes the index, too: `stash create` fails where files were only touched.
  const changes = await must('git', ['status', '--porcelain', '--untracked-files=no'], here);
  const changed = changes === '' ? '' : await must('git', ['stash', 'create'], here);
  await must('git', ['init', '--quiet', '--bare', '--initial-branch=main', origin]);
  // This checkout may be a shallow one.
  await must('git', ['config', 'receive.shallowUpdate', 'true'], { cwd: origin });
  await must('git', ['push', '--quiet', origin, `${changed || 'HEAD'}:refs/heads/main`], here);
  await must('git', ['clone', '--quiet', origin, folder]);
  const run = (program: string, ...args: readonly string[]): Promise<string> => must(program, args, { cwd: folder });
  await run('git', 'config', 'user.name', 'release check');
  await run('git', 'config', 'user.email', 'release-check@example.com');
  await linkModules(join(root, 'node_modules'), join(folder, 'node_modules'));
  return { folder, origin, run };
}

/** Links each installed package, which need not be fetched again; those of the workspace lead into the clone. */
async function linkModules(from: string, to: string): Promise<void> {
  await mkdir(to);
  for (const name of await readdir(from)) {
    if (name !== '@scaler') await symlink(join(from, name), join(to, name));
  }
  await mkdir(join(to, '@scaler'));
  for (const name of await readdir(join(from, '@scaler'))) {
    const path = join(from, '@scaler', name);
    if ((await lstat(path)).isSymbolicLink()) await symlink(await readlink(path), join(to, '@scaler', name));
  }
}
