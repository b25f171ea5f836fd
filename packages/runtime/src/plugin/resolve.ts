import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RuntimeError } from '../errors.ts';

/** A scaler package, found but not imported. */
export interface FoundPackage {
  /** The file to import. */
  path: string;
  manifest: Manifest;
}

/** The fields of a `package.json` that are read. */
export interface Manifest {
  name?: string;
  version?: string;
  /** Of `@scaler/scaler-types`. */
  scalerContract?: string;
  dependencies?: Readonly<Record<string, string>>;
  peerDependencies?: Readonly<Record<string, string>>;
  exports?: unknown;
}

/** Where to look, in this order. */
export interface SearchPlaces {
  cwd: string;
  /** A folder with a `node_modules`. */
  pluginDir?: string | undefined;
  /** The app's `import.meta.url`. */
  appUrl: string;
}

/**
 * Finds a package by name, or by a path relative to the working directory, as `require.resolve` does (so the process's
 * `--conditions` count), and a package that offers `import` only as well.
 *
 * @throws RuntimeError `plugin-not-found`, `plugin-broken`.
 */
export function findPackage(name: string, { cwd, pluginDir, appUrl }: SearchPlaces): FoundPackage {
  const places = [cwd, ...(pluginDir === undefined ? [] : [resolve(cwd, pluginDir)]), dirname(fileURLToPath(appUrl))];
  for (const place of places) {
    const path = resolveFrom(name, place);
    if (path !== undefined) return { path, manifest: nearestManifest(path)?.manifest ?? {} };
  }
  throw new RuntimeError('plugin-not-found', `the scaler package "${name}" was not found from ${places.join(', ')}`);
}

function resolveFrom(name: string, place: string): string | undefined {
  const require = createRequire(join(place, 'noop.js'));
  try {
    return require.resolve(name);
  } catch (error) {
    const { code, path, message } = error as { code?: string; path?: string; message: string };
    // `path` is set when the package is there and its entry is not.
    if (code === 'MODULE_NOT_FOUND' && path === undefined) return undefined;
    const entry = code === 'ERR_PACKAGE_PATH_NOT_EXPORTED' ? importEntry(require, name) : undefined;
    if (entry !== undefined) return entry;
    const sentence = `the scaler package "${name}" has no entry that can be imported: ${message.split('\n', 1)[0] ?? ''}`;
    throw new RuntimeError('plugin-broken', sentence, { cause: error });
  }
}

/** The entry of a package that offers only the condition `import`, and none to `require`. */
function importEntry(require: NodeJS.Require, name: string): string | undefined {
  for (const folder of require.resolve.paths(name) ?? []) {
    const manifest = readManifest(join(folder, name, 'package.json'));
    if (!manifest) continue;
    const { exports } = manifest;
    const entry = importTarget(isObject(exports) && '.' in exports ? exports['.'] : exports);
    return entry === undefined ? undefined : join(folder, name, entry);
  }
  return undefined;
}

function importTarget(target: unknown): string | undefined {
  if (typeof target === 'string') return target;
  if (!isObject(target)) return undefined;
  for (const [condition, inner] of Object.entries(target)) {
    if (condition !== 'import' && condition !== 'node' && condition !== 'default') continue;
    const entry = importTarget(inner);
    if (entry !== undefined) return entry;
  }
  return undefined;
}

/** The `package.json` that a file belongs to: the nearest one that does more than to set the module type. */
export function nearestManifest(path: string): { manifest: Manifest; folder: string } | undefined {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const manifest = readManifest(join(folder, 'package.json'));
    if (isPackage(manifest)) return { manifest, folder };
    if (folder === dirname(folder)) return undefined;
  }
}

/** `npm install` into an empty folder writes one without a name. */
function isPackage(manifest: Manifest | undefined): manifest is Manifest {
  return (manifest?.name ?? manifest?.dependencies ?? manifest?.peerDependencies) !== undefined;
}

function readManifest(path: string): Manifest | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Manifest;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
