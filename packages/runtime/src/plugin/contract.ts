import { createRequire } from 'node:module';
import { contractVersion } from '@scaler/scaler-types';
import { RuntimeError } from '../errors.ts';
import { type FoundPackage, nearestManifest } from './resolve.ts';

const contractPackage = '@scaler/scaler-types';

/**
 * The contract version or range that a package says it was made for: its dependency, else, where that names no version
 * (`*`, `workspace:*`, `file:`), the version that is installed beside it.
 */
export function declaredContract({ path, manifest }: FoundPackage): string | undefined {
  const range = manifest.dependencies?.[contractPackage] ?? manifest.peerDependencies?.[contractPackage];
  if (range === undefined || contractLines(range).length > 0) return range;
  try {
    return nearestManifest(createRequire(path).resolve(contractPackage))?.manifest.version;
  } catch {
    return undefined;
  }
}

/**
 * Checks a declared contract against this runtime's: one of the range's versions has the same major, below 1.0 the same minor.
 *
 * @throws RuntimeError `plugin-contract` with both versions, `plugin-contract-unknown`.
 */
export function checkContract(packageName: string, declared: string | undefined): void {
  const [ours = ''] = contractLines(contractVersion);
  if (declared === undefined) {
    const sentence = `the scaler package "${packageName}" does not say which ${contractPackage} it was made for, this app needs ${ours}.x: add it to its dependencies or export contractVersion`;
    throw new RuntimeError('plugin-contract-unknown', sentence);
  }
  if (contractLines(declared).includes(ours)) return;
  const sentence = `the scaler package "${packageName}" was made for ${contractPackage} ${declared}, this app has ${contractVersion} and needs a package for ${ours}.x`;
  throw new RuntimeError('plugin-contract', sentence);
}

/** The compatibility lines of a range: `^0.1.2 || 2.x` → `0.1`, `2`. Of a pair of bounds the lower one counts. */
function contractLines(range: string): string[] {
  return range.split('||').flatMap((alternative) => {
    const match = /^(?:workspace:)?[\^~>=v\s]*(\d+)(?:\.(\d+))?/.exec(alternative.trimStart());
    if (!match) return [];
    const [, major = '', minor] = match;
    if (major !== '0') return [major];
    return minor === undefined ? [] : [`0.${minor}`];
  });
}
