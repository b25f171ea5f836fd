import { checkOut } from '@scaler/command';
import { root } from '../processes/child.ts';

/** Another commit of this repository, built in a folder of its own; disposing removes the folder. */
export interface BuiltCommit extends AsyncDisposable {
  /** The full hash. */
  readonly commit: string;
  readonly folder: string;
}

/** Both apps, and the default scaler, which they load by its name. */
const projects = ['@scaler/dlx', '@scaler/autoscaler', '@scaler/deployment-scaler'];

/**
 * Checks a commit out beside this tree and builds its programs, with the packages of its own lock file.
 *
 * @param name a name that git resolves to a commit.
 * @throws Error with the output of git, npm or the build.
 */
export async function buildCommit(name: string, log: (line: string) => void): Promise<BuiltCommit> {
  const checkedOut = await checkOut(root, name);
  try {
    log(`building ${checkedOut.commit.slice(0, 9)}`);
    await checkedOut.run('npx', 'nx', 'run-many', '-t', 'build', '-p', projects.join(), '--output-style=static');
    return checkedOut;
  } catch (error) {
    await checkedOut[Symbol.asyncDispose]();
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`commit ${name} cannot be built: ${(error as Error).message}\n${stdout}${stderr}`, {
      cause: error,
    });
  }
}
