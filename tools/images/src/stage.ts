import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { must } from '@scaler/command';
import { imageLock, type Packed, type Places } from './lock.ts';

export const root = join(import.meta.dirname, '../../..');

/** The folder that the Dockerfiles copy. */
const folder = join(root, 'dist/images');

export const apps = ['autoscaler', 'dlx'] as const;
export type App = (typeof apps)[number];

const defaultScaler = '@scaler/deployment-scaler';

/** Each package of ours that ends up in an image, and its folder: the apps, the scaler, and what they depend on. */
export function ourPackages(places: Places): Record<string, string> {
  const found: Record<string, string> = {};
  const add = (name: string): void => {
    const { link, resolved = '' } = places[`node_modules/${name}`] ?? {};
    if (!link || name in found) return;
    found[name] = resolved;
    for (const dependency of Object.keys(places[resolved]?.dependencies ?? {})) add(dependency);
  };
  for (const name of [...apps.map((app) => `@scaler/${app}`), defaultScaler]) add(name);
  return found;
}

/**
 * Packs the packages, which must be built, as they are published, and writes for each app the manifest and lock that
 * npm installs.
 */
export async function stage(): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  const tarballs = join(folder, 'tarballs');
  await mkdir(tarballs, { recursive: true });
  const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as { packages: Places };
  const packed: Record<string, Packed> = {};
  for (const [name, directory] of Object.entries(ourPackages(lock.packages)))
    packed[name] = await pack(directory, tarballs);
  for (const app of apps) {
    await mkdir(join(folder, app), { recursive: true });
    const write = (file: string, value: object): Promise<void> =>
      writeFile(join(folder, app, file), `${JSON.stringify(value, null, 2)}\n`);
    const manifest = manifestOf(app, packed);
    await write('package.json', manifest);
    const places = imageLock(
      lock.packages,
      packed,
      Object.keys(packed).filter((name) => name in manifest.dependencies),
    );
    await write('package-lock.json', {
      name: manifest.name,
      lockfileVersion: 3,
      packages: { '': manifest, ...places },
    });
  }
  await copyFile(join(import.meta.dirname, 'prune.js'), join(folder, 'prune.js'));
}

async function pack(directory: string, tarballs: string): Promise<Packed> {
  const tarball = await must('npm', ['pack', '--silent', '--pack-destination', tarballs], {
    cwd: join(root, directory),
  });
  const bytes = await readFile(join(tarballs, tarball));
  const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
  const manifest = JSON.parse(await readFile(join(root, directory, 'package.json'), 'utf8')) as Packed['manifest'];
  return { folder: directory, spec: `file:../tarballs/${tarball}`, integrity, manifest };
}

/** Depends on each of our packages by its tarball, because their versions may not be published yet. */
function manifestOf(app: App, packed: Readonly<Record<string, Packed>>) {
  const others = apps.filter((one) => one !== app).map((one) => `@scaler/${one}`);
  const own = Object.entries(packed).filter(([name]) => !others.includes(name));
  const dependencies = Object.fromEntries(own.map(([name, { spec }]) => [name, spec]));
  return { name: `scaler-${app}-image`, private: true, type: 'module', dependencies };
}
