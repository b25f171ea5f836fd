import { createRequire } from 'node:module';
import { contractVersion } from '@scaler/scaler-types';
import { RuntimeError } from '../errors.ts';
import { type FoundPackage, nearestManifest } from './resolve.ts';

const contractPackage = '@scaler/scaler-types';

/**
 * The contract that a package was made for: that of the `@scaler/scaler-types` which it depends on, as it is installed
 * beside it. Its version and the package's range for it say nothing: they change at every release.
 */
export function installedContract({ path, manifest }: FoundPackage): string | undefined {
  const needs = { ...manifest.dependencies, ...manifest.peerDependencies };
  if (!Object.hasOwn(needs, contractPackage)) return undefined;
  try {
    // Not its entry, which this repository's own condition would look for in sources that are not published.
    return nearestManifest(createRequire(path).resolve(`${contractPackage}/package.json`))?.manifest.scalerContract;
  } catch {
    return undefined;
  }
}

/**
 * Checks the contract that a package was made for against this app's. `0.1.2` counts as `0.1`.
 *
 * @throws RuntimeError `plugin-contract` with both, `plugin-contract-unknown`.
 */
export function checkContract(packageName: string, declared: string | undefined): void {
  if (declared === undefined) {
    const sentence = `the scaler package "${packageName}" does not say for which contract it was made, this app needs ${contractVersion}: add ${contractPackage} to its dependencies and install it, or export contractVersion`;
    throw new RuntimeError('plugin-contract-unknown', sentence);
  }
  if (declared === contractVersion || declared.startsWith(`${contractVersion}.`)) return;
  const sentence = `the scaler package "${packageName}" was made for the contract ${declared} of ${contractPackage}, this app needs ${contractVersion}: install a version of one that is made for the other`;
  throw new RuntimeError('plugin-contract', sentence);
}
