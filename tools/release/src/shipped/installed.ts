import { existsSync, globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type Manifest, publicPackages, readManifest } from '../packages.ts';

/** The versions of a checkout's packages, by name. */
export async function versionsOf(checkout: string): Promise<Map<string, string>> {
  return new Map((await publicPackages(checkout)).map(({ name, version }) => [name, version]));
}

/**
 * Checks each of our packages as npm has installed it: it is of this release, in each copy but the one that `foreign`
 * depends on, and has what its manifest and its README name.
 *
 * @returns how many there are.
 */
export async function checkInstalled(folder: string, checkout: string, foreign: string): Promise<number> {
  const versions = await versionsOf(checkout);
  const places = globSync('node_modules/{,@scaler/*/node_modules/}@scaler/*', { cwd: folder });
  const theirs = createRequire(join(folder, 'node_modules', foreign, 'index.js')).resolve(
    '@scaler/scaler-types/package.json',
  );
  const problems: string[] = [];
  const found = new Set<string>();
  for (const place of places.map((one) => join(folder, one))) {
    const manifest = await readManifest(place);
    const { name, version } = manifest;
    const released = versions.get(name);
    if (version === released) {
      if (!found.has(name)) problems.push(...(await missingOf(manifest, place, checkout)));
      found.add(name);
      // A range that the release left behind brings an older copy.
    } else if (!theirs.startsWith(`${place}/`)) problems.push(`${place} is ${version}, and the release is ${released}`);
  }
  problems.push(...[...versions.keys()].filter((name) => !found.has(name)).map((name) => `${name} is not installed`));
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return versions.size;
}

async function missingOf(manifest: Manifest, place: string, checkout: string): Promise<string[]> {
  const { name, exports, bin = {}, engines, repository } = manifest;
  const files = ['README.md', 'CHANGELOG.md', 'LICENSE', ...Object.values(bin), ...targetsOf(exports)];
  const missing = files.filter((file) => !existsSync(join(place, file))).map((file) => `there is no ${file}`);
  if (engines?.node === undefined) missing.push('there is no engines.node');
  const directory = repository?.directory ?? '';
  if (directory === '') missing.push('there is no repository.directory, by which its README is linked');
  const readme = await readFile(join(place, 'README.md'), 'utf8');
  for (const [, link = ''] of readme.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)) {
    if (!existsSync(join(checkout, directory, link))) missing.push(`its README links ${link}, which is not there`);
  }
  missing.push(...(await lostSources(place)));
  return missing.map((one) => `${name}: ${one}`);
}

/** Debuggers and bundlers look for the sources that a map names, and sources are not published. */
async function lostSources(place: string): Promise<string[]> {
  const lost: string[] = [];
  for (const file of globSync('dist/**/*.map', { cwd: place })) {
    const { sourcesContent } = JSON.parse(await readFile(join(place, file), 'utf8')) as { sourcesContent?: unknown[] };
    if (sourcesContent === undefined) lost.push(`${file} has no sources`);
  }
  return lost;
}

/** The files that exports name, but for those of this repository's own condition. */
function targetsOf(exports: unknown): string[] {
  if (typeof exports === 'string') return [exports];
  const entries = Object.entries((exports ?? {}) as Readonly<Record<string, unknown>>);
  return entries.flatMap(([key, target]) => (key === '@scaler/source' ? [] : targetsOf(target)));
}
