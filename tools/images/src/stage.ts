import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from './command.ts';

export const root = join(import.meta.dirname, '../../..');

/** What the Dockerfiles copy. */
const folder = join(root, 'dist/images');

export const apps = ['autoscaler', 'dlx'] as const;
export type App = (typeof apps)[number];

const defaultScaler = '@scaler/deployment-scaler';

/** Every package that ends up in an image, and where it is. */
const packages = {
  '@scaler/scaler-types': 'packages/scaler-types',
  '@scaler/runtime': 'packages/runtime',
  '@scaler/kube': 'packages/kube',
  '@scaler/autoscaler': 'packages/autoscaler',
  '@scaler/dlx': 'packages/dlx',
  [defaultScaler]: 'examples/deployment-scaler',
};

/** Packs the packages as they are published, which must be built, and writes for each app what npm shall install. */
export async function stage(): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  const tarballs = join(folder, 'tarballs');
  await mkdir(tarballs, { recursive: true });
  const specs: Record<string, string> = {};
  for (const [name, directory] of Object.entries(packages)) {
    const before = new Set(await readdir(tarballs));
    await command('npm', ['pack', '--silent', '--pack-destination', tarballs], join(root, directory));
    const tarball = (await readdir(tarballs)).find((file) => !before.has(file));
    if (tarball === undefined) throw new Error(`npm pack of ${name} wrote nothing into ${tarballs}`);
    specs[name] = `file:/tarballs/${tarball}`;
  }
  const locked = await lockedVersions();
  for (const app of apps) {
    await mkdir(join(folder, app), { recursive: true });
    await writeFile(join(folder, app, 'package.json'), `${JSON.stringify(manifestOf(app, specs, locked), null, 2)}\n`);
  }
  await copyFile(join(import.meta.dirname, 'prune.js'), join(folder, 'prune.js'));
}

type Versions = Readonly<Record<string, string>>;

function manifestOf(app: App, specs: Versions, locked: Versions): object {
  const dependencies = Object.fromEntries([`@scaler/${app}`, defaultScaler].map((name) => [name, specs[name]]));
  // The packages depend on each other by versions that may not be published yet.
  return {
    name: `scaler-${app}-image`,
    private: true,
    type: 'module',
    dependencies,
    overrides: { ...locked, ...specs },
  };
}

/** What was tested is what is installed: the lock's version of every package that has one only. */
async function lockedVersions(): Promise<Versions> {
  const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version?: string; link?: boolean; dev?: boolean }>;
  };
  const found = new Map<string, Set<string>>();
  for (const [path, { version, link, dev }] of Object.entries(lock.packages)) {
    const name = /^.*node_modules\/(.+)$/.exec(path)?.[1];
    if (name === undefined || version === undefined || link || dev) continue;
    found.set(name, (found.get(name) ?? new Set()).add(version));
  }
  const single = [...found].filter(([, versions]) => versions.size === 1);
  return Object.fromEntries(single.map(([name, versions]) => [name, [...versions][0] ?? '']));
}
