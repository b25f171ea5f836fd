import { copyFile, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
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
  for (const app of apps) {
    await mkdir(join(folder, app), { recursive: true });
    await writeFile(join(folder, app, 'package.json'), `${JSON.stringify(manifestOf(app, specs), null, 2)}\n`);
  }
  await copyFile(join(import.meta.dirname, 'prune.js'), join(folder, 'prune.js'));
}

function manifestOf(app: App, specs: Readonly<Record<string, string>>): object {
  const dependencies = Object.fromEntries([`@scaler/${app}`, defaultScaler].map((name) => [name, specs[name]]));
  // The packages depend on each other by versions that may not be published yet.
  return { name: `scaler-${app}-image`, private: true, type: 'module', dependencies, overrides: specs };
}
