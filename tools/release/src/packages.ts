import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '../../..');

/** A workspace package that is published. */
export interface PublicPackage {
  name: string;
  directory: string;
  /** The names of its programs. */
  programs: readonly string[];
}

interface Manifest {
  name: string;
  private?: boolean;
  bin?: Record<string, string>;
}

/** Every package below packages/ and examples/ that is not private. */
export async function publicPackages(): Promise<PublicPackage[]> {
  const found: PublicPackage[] = [];
  for (const group of ['packages', 'examples']) {
    for (const entry of (await readdir(join(root, group))).toSorted()) {
      const directory = join(root, group, entry);
      const manifest = JSON.parse(await readFile(join(directory, 'package.json'), 'utf8')) as Manifest;
      if (manifest.private) continue;
      found.push({ name: manifest.name, directory, programs: Object.keys(manifest.bin ?? {}) });
    }
  }
  return found;
}
