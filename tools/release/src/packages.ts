import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '../../..');

/** What is read of a `package.json`. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly exports?: unknown;
  readonly bin?: Readonly<Record<string, string>>;
  readonly engines?: { readonly node?: string };
  readonly repository?: { readonly url?: string; readonly directory?: string };
}

/** A package that is published, and its folder. */
export interface PublicPackage extends Manifest {
  readonly directory: string;
}

export async function readManifest(directory: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(directory, 'package.json'), 'utf8')) as Manifest;
}

/** Every package below packages/ and examples/ of a checkout that is not private. */
export async function publicPackages(checkout = root): Promise<PublicPackage[]> {
  const folders = globSync('{packages,examples}/*', { cwd: checkout }).map((folder) => join(checkout, folder));
  const all = folders.toSorted().map(async (directory) => ({ ...(await readManifest(directory)), directory }));
  return (await Promise.all(all)).filter((one) => !one.private);
}
