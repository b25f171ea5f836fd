import { execFile } from 'node:child_process';
import { access, cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from '../processes/child.ts';

/** Another commit of this repository, built in a folder of its own; disposing of it removes the folder. */
export interface BuiltCommit extends AsyncDisposable {
  /** Its full hash. */
  readonly commit: string;
  /** Its DLX's `main.js`. */
  readonly dlx: string;
}

const run = promisify(execFile);
const buildLimitMs = 600_000;

/**
 * Checks a commit out beside this tree and builds it, with what its own lock file says.
 *
 * @param name anything that git resolves to a commit.
 * @throws Error with git's, npm's or the build's own words.
 */
export async function buildCommit(name: string, log: (line: string) => void): Promise<BuiltCommit> {
  const commit = await resolveCommit(name);
  const folder = await mkdtemp(join(tmpdir(), `scaler-${commit.slice(0, 9)}-`));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const at = { cwd: folder, timeout: buildLimitMs, maxBuffer: 2 ** 26, env: { ...process.env, NX_DAEMON: 'false' } };
  try {
    log(`building ${commit.slice(0, 9)}`);
    const archive = join(folder, 'tree.tar');
    await run('git', ['archive', '--format=tar', `--output=${archive}`, commit], { cwd: root });
    await run('tar', ['-xf', archive], at);
    await installIn(folder, at);
    await run('npx', ['nx', 'run-many', '-t', 'build', '-p', '@scaler/dlx', '--output-style=static'], at);
    const dlx = join(folder, 'packages/dlx/dist/main.js');
    await access(dlx);
    return { commit, dlx, [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove();
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`commit ${name} cannot be built: ${(error as Error).message}\n${stdout}${stderr}`, {
      cause: error,
    });
  }
}

async function resolveCommit(name: string): Promise<string> {
  try {
    const { stdout } = await run('git', ['rev-parse', '--verify', '--end-of-options', `${name}^{commit}`], {
      cwd: root,
    });
    return stdout.trim();
  } catch {
    throw new Error(`--against ${name}: git knows no such commit`);
  }
}

/** The same lock file means the same packages, which need not be fetched once more. */
async function installIn(folder: string, at: object): Promise<void> {
  const lock = 'package-lock.json';
  const [ours, theirs] = await Promise.all([root, folder].map((where) => readFile(join(where, lock), 'utf8')));
  if (ours === theirs) {
    // Its links to packages of the workspace are relative, so the copy's lead into the copy.
    await cp(join(root, 'node_modules'), join(folder, 'node_modules'), { recursive: true, verbatimSymlinks: true });
  } else await run('npm', ['ci', '--no-audit', '--no-fund'], at);
}
