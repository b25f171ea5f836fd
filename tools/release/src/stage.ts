import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { commandLine, must } from '@scaler/command';

export const root = join(import.meta.dirname, '../../..');

/** A package that is published, packed. */
export interface Packed {
  name: string;
  /** The names of its programs. */
  programs: readonly string[];
  tarball: string;
}

interface Manifest {
  name: string;
  private?: boolean;
  bin?: Record<string, string>;
}

/**
 * Packs every package below packages/ and examples/ that is not private into `folder`, as it would be published. The packages
 * must be built.
 */
export async function packAll(folder: string): Promise<Packed[]> {
  await mkdir(folder, { recursive: true });
  const packed: Packed[] = [];
  for (const group of ['packages', 'examples']) {
    for (const entry of (await readdir(join(root, group))).toSorted()) {
      const cwd = join(root, group, entry);
      const manifest = JSON.parse(await readFile(join(cwd, 'package.json'), 'utf8')) as Manifest;
      if (manifest.private) continue;
      const file = await must('npm', ['pack', '--silent', '--pack-destination', folder], { cwd });
      packed.push({ name: manifest.name, programs: Object.keys(manifest.bin ?? {}), tarball: join(folder, file) });
    }
  }
  return packed;
}

/** Installs packed packages into an empty folder, with production dependencies alone. */
export async function installInto(folder: string, packed: readonly Packed[]): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const specs = Object.fromEntries(packed.map(({ name, tarball }) => [name, `file:${tarball}`]));
  const manifest = { name: 'staged', private: true, type: 'module', dependencies: specs, overrides: specs };
  await writeFile(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  await must('npm', ['install', '--omit=dev', '--no-audit', '--no-fund', '--silent'], { cwd: folder });
}

if (import.meta.main) {
  const { names } = commandLine({
    name: 'npm run stage',
    doc: 'Installs the packages, as they would be published, into a folder. They must be built.',
    names: { what: 'folder', doc: 'is emptied first', count: 1 },
    examples: { 'dist/staged': 'after `npm run build`' },
  });
  const [folder = ''] = names;
  const tarballs = join(root, 'dist/tarballs');
  await rm(tarballs, { recursive: true, force: true });
  await installInto(folder, await packAll(tarballs));
  console.log(folder);
}
