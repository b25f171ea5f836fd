import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { checkOut } from '@scaler/command';
import { root } from '../processes/child.ts';

/** Another commit of this repository, built in a folder of its own; disposing removes the folder. */
export interface BuiltCommit extends AsyncDisposable {
  /** The full hash. */
  readonly commit: string;
  /** The `main.js` of its DLX. */
  readonly dlx: string;
}

/**
 * Checks a commit out beside this tree and builds it, with the packages of its own lock file.
 *
 * @param name a name that git resolves to a commit.
 * @throws Error with the output of git, npm or the build.
 */
export async function buildCommit(name: string, log: (line: string) => void): Promise<BuiltCommit> {
  const checkedOut = await checkOut(root, name);
  const { commit, folder, run } = checkedOut;
  try {
    log(`building ${commit.slice(0, 9)}`);
    await run('npx', 'nx', 'run-many', '-t', 'build', '-p', '@scaler/dlx', '--output-style=static');
    const dlx = join(folder, 'packages/dlx/dist/main.js');
    await access(dlx);
    return { commit, dlx, [Symbol.asyncDispose]: () => checkedOut[Symbol.asyncDispose]() };
  } catch (error) {
    await checkedOut[Symbol.asyncDispose]();
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`commit ${name} cannot be built: ${(error as Error).message}\n${stdout}${stderr}`, {
      cause: error,
    });
  }
}
