import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const limitMs = 600_000;

/** Another commit of this repository, in a folder of its own with its packages installed; disposing of it removes the folder. */
export interface CheckedOut extends AsyncDisposable {
  /** Its full hash. */
  readonly commit: string;
  readonly folder: string;
  /** Runs a program in the folder. Rejects with all that it printed, when it fails. */
  run(program: string, ...args: string[]): Promise<void>;
}

/**
 * Checks a commit out beside a tree, and installs what its own lock file says.
 *
 * @param root the tree, a git checkout with its packages installed.
 * @param name anything that git resolves to a commit.
 * @throws Error with git's or npm's own words.
 */
export async function checkOut(root: string, name: string): Promise<CheckedOut> {
  const commit = await resolveCommit(root, name);
  const folder = await mkdtemp(join(tmpdir(), `scaler-${commit.slice(0, 9)}-`));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const at = { cwd: folder, timeout: limitMs, maxBuffer: 2 ** 26, env: { ...process.env, NX_DAEMON: 'false' } };
  const runHere = async (program: string, ...args: string[]): Promise<void> => {
    await run(program, args, at).catch((error: Error & { stdout: string; stderr: string }) => {
      throw new Error(`commit ${name}: ${error.message}\n${error.stdout}${error.stderr}`, { cause: error });
    });
  };
  const archive = join(folder, 'tree.tar');
  await run('git', ['archive', '--format=tar', `--output=${archive}`, commit], { cwd: root });
  await runHere('tar', '-xf', archive);
  await install(root, folder, runHere);
  const checkedOut = stack.move();
  return { commit, folder, run: runHere, [Symbol.asyncDispose]: () => checkedOut.disposeAsync() };
}

async function resolveCommit(root: string, name: string): Promise<string> {
  try {
    const { stdout } = await run('git', ['rev-parse', '--verify', '--end-of-options', `${name}^{commit}`], {
      cwd: root,
    });
    return stdout.trim();
  } catch {
    throw new Error(`git knows no commit ${name} here; a shallow clone has its newest commits alone`);
  }
}

/** The same lock file means the same packages, which need not be fetched once more. */
async function install(root: string, folder: string, runHere: CheckedOut['run']): Promise<void> {
  const lock = 'package-lock.json';
  const [ours, theirs] = await Promise.all([root, folder].map((where) => readFile(join(where, lock), 'utf8')));
  if (ours === theirs) {
    // Its links to packages of the workspace are relative, so the copy's lead into the copy.
    await cp(join(root, 'node_modules'), join(folder, 'node_modules'), { recursive: true, verbatimSymlinks: true });
  } else await runHere('npm', 'ci', '--no-audit', '--no-fund');
}
