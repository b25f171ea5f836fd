import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { commandLine, must } from '@scaler/command';
import { publicPackages, root } from './packages.ts';

/** A package that is published, packed. */
export interface Packed {
  name: string;
  /** The names of its programs. */
  programs: readonly string[];
  tarball: string;
}

/** Packs every public package into `folder`, as it would be published. The packages must be built. */
export async function packAll(folder: string): Promise<Packed[]> {
  await mkdir(folder, { recursive: true });
  const packed: Packed[] = [];
  for (const { name, directory, bin = {} } of await publicPackages()) {
    const file = await must('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: directory });
    packed.push({ name, programs: Object.keys(bin), tarball: join(folder, file) });
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
