import { pathToFileURL } from 'node:url';
import type { CreateResourceScaler, Logger, ResourceScaler, ScalerContext } from '@scaler/scaler-types';
import { RuntimeError } from '../errors.ts';
import { sentence } from './problem-log.ts';
import { checkContract, installedContract } from './contract.ts';
import { callGuarded } from './guarded-call.ts';
import { type GuardedScaler, guardScaler, scalerLimits } from './guarded-scaler.ts';
import { findPackage, type SearchPlaces } from './resolve.ts';

const requiredMethods = [
  'getConfig',
  'getResources',
  'setScale',
  'resolveServiceName',
] as const satisfies readonly (keyof ResourceScaler)[];
const optionalAbilities = [
  'watchResources',
  'isStale',
  'watchEndpoints',
  'reconcile',
  'explain',
  'setBusy',
  'tell',
  'whenUnlisted',
  'metrics',
  'close',
] as const satisfies readonly Exclude<keyof ResourceScaler, (typeof requiredMethods)[number]>[];

/** An optional ability of a scaler. */
export type Ability = (typeof optionalAbilities)[number];

export interface LoadResourceScalerOptions extends SearchPlaces {
  /** The package's name, or a path. */
  name: string;
  context: ScalerContext;
  logger: Logger;
  /** Ends the wait for the scaler. */
  signal?: AbortSignal;
}

/** A scaler, made, checked and guarded. */
export interface LoadedResourceScaler {
  scaler: GuardedScaler;
  abilities: Readonly<Record<Ability, boolean>>;
  packageName: string;
  version: string;
  /** The file that was imported. */
  path: string;
}

/**
 * Finds, imports, makes and checks a resource scaler.
 *
 * @throws RuntimeError with a `plugin-…` code and one sentence that names the package; its `exitCode` is 2.
 */
export async function loadResourceScaler(options: LoadResourceScalerOptions): Promise<LoadedResourceScaler> {
  const { name, context, logger } = options;
  const found = findPackage(name, options);
  const packageName = found.manifest.name ?? name;
  const version = found.manifest.version ?? 'unknown';
  const installed = installedContract(found);
  // Before the import: a package for another contract may not even load.
  if (installed !== undefined) checkContract(packageName, installed);
  const { clock } = context;
  const limitMs = scalerLimits.createResourceScaler;
  const start = { packageName, member: 'createResourceScaler', clock, limitMs, signal: options.signal };
  const imported = { ...start, member: 'its import' };
  const exported = await logWait(options, imported, () =>
    callGuarded(imported, () => importPackage(packageName, found.path)),
  );
  if (installed === undefined) checkContract(packageName, exportedContract(exported));
  const made = await logWait(options, start, () =>
    callGuarded(start, () => makeScaler(packageName, exported, context)),
  );
  const abilities = checkShape(packageName, made);
  const scaler = guardScaler(made, { packageName, clock, logger });
  logger.info('resource scaler loaded', { scaler: packageName, version, path: found.path, abilities });
  return { scaler, abilities, packageName, version, path: found.path };
}

/** Logs for which member of the scaler the process waits, when it is to stop before the scaler has answered. */
export async function logWait<T>(
  { logger, signal }: { logger: Logger; signal?: AbortSignal | undefined },
  { packageName, member }: { packageName: string; member: string },
  work: () => Promise<T>,
): Promise<T> {
  logger.debug('waiting for the scaler', { scaler: packageName, member });
  try {
    return await work();
  } catch (error) {
    const problem = sentence(packageName, member, 'had not answered when the process was asked to stop');
    if (signal?.aborted === true && error === signal.reason) logger.warn('the scaler was waited for', { problem });
    throw error;
  }
}

type Exported = Readonly<Record<string, unknown>>;

/** The named exports, of a CommonJS package those of `module.exports`. */
async function importPackage(packageName: string, path: string): Promise<Exported> {
  try {
    const namespace = (await import(pathToFileURL(path).href)) as Exported;
    const commonJs = namespace['default'];
    return typeof commonJs === 'object' && commonJs !== null ? { ...commonJs, ...namespace } : namespace;
  } catch (error) {
    throw new RuntimeError(
      'plugin-broken',
      `the scaler package "${packageName}" cannot be imported: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

function exportedContract({ contractVersion }: Exported): string | undefined {
  return typeof contractVersion === 'string' ? contractVersion : undefined;
}

async function makeScaler(packageName: string, exported: Exported, context: ScalerContext): Promise<ResourceScaler> {
  const { createResourceScaler } = exported;
  if (typeof createResourceScaler !== 'function') {
    const names = Object.keys(exported).filter((key) => key !== 'default' && key !== 'module.exports');
    const sentence = `the scaler package "${packageName}" exports ${names.join(', ') || 'nothing'}, but must export a function createResourceScaler`;
    throw new RuntimeError('plugin-export', sentence);
  }
  let scaler: unknown;
  try {
    scaler = await (createResourceScaler as CreateResourceScaler)(context);
  } catch (error) {
    // A scaler that stops the start with a code of its own keeps it as the cause.
    throw new RuntimeError('plugin-factory', `createResourceScaler of "${packageName}" failed: ${messageOf(error)}`, {
      cause: error,
    });
  }
  if (typeof scaler !== 'object' || scaler === null) {
    throw new RuntimeError(
      'plugin-factory',
      `createResourceScaler of "${packageName}" returned ${String(scaler)}, but must return a resource scaler`,
    );
  }
  return scaler as ResourceScaler;
}

function checkShape(packageName: string, scaler: ResourceScaler): Record<Ability, boolean> {
  const typeOf = (member: Ability | (typeof requiredMethods)[number]): string => {
    try {
      return typeof scaler[member];
    } catch (error) {
      const sentence = `the scaler of "${packageName}" has a member that cannot be read: ${messageOf(error)}`;
      throw new RuntimeError('plugin-ability', sentence, { cause: error });
    }
  };
  const missing = requiredMethods.filter((method) => typeOf(method) !== 'function');
  if (missing.length > 0) {
    const sentence = `the scaler of "${packageName}" lacks ${missing.join(', ')}, required are ${requiredMethods.join(', ')}`;
    throw new RuntimeError('plugin-method', sentence);
  }
  const wrong = optionalAbilities.find((ability) => !['undefined', 'function'].includes(typeOf(ability)));
  if (wrong !== undefined) {
    const sentence = `the scaler of "${packageName}" has ${wrong} as a ${typeOf(wrong)}, allowed is a function, or none`;
    throw new RuntimeError('plugin-ability', sentence);
  }
  const entries = optionalAbilities.map((ability) => [ability, typeOf(ability) === 'function']);
  return Object.fromEntries(entries) as Record<Ability, boolean>;
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '';
}
