import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { contractVersion } from '@scaler/scaler-types';
import { beforeAll, describe, expect, test } from '@jest/globals';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'runtime-')));
const cwd = join(root, 'work');
const pluginDir = join(root, 'plugins');
/** As a package that was published long ago, and is still right. */
const ours = '^0.0.7';

const methods = `getConfig: () => ({ dlx: { listenHost: FROM } }), getResources: async () => [], setScale: async () => [], resolveServiceName: () => 'a:1'`;
const good = (from: string, extra = ''): string =>
  `export const createResourceScaler = async () => ({ ${methods.replace('FROM', JSON.stringify(from))}, ${extra} });\n`;

interface Fixture {
  in?: string;
  manifest?: Record<string, unknown>;
  files: Record<string, string>;
}

const contract = { dependencies: { '@scaler/scaler-types': ours } };
const esm = (code: string, manifest: Record<string, unknown> = contract): Fixture => ({
  manifest: { type: 'module', exports: './index.js', ...manifest },
  files: { 'index.js': code },
});

/** With a copy of the contract's package of its own, whose version says nothing. */
const withCopy = (code: string, scalerContract: string): Fixture => {
  const { manifest = {}, files } = esm(code);
  const copy = { name: '@scaler/scaler-types', version: '9.9.9', scalerContract };
  const place = 'node_modules/@scaler/scaler-types';
  return { manifest, files: { ...files, [`${place}/package.json`]: JSON.stringify(copy), [`${place}/index.js`]: '' } };
};

const packages: Record<string, Fixture> = {
  'esm-scaler': esm(good('esm', 'explain: async () => undefined, close: async () => {}')),
  'cjs-scaler': {
    manifest: { main: './index.cjs', peerDependencies: contract.dependencies },
    files: {
      'index.cjs': `const make = () => ({ ${methods.replace('FROM', '"cjs"')} });\nmodule.exports = Object.fromEntries([['createResourceScaler', make]]);\n`,
    },
  },
  'import-only-scaler': {
    manifest: {
      ...contract,
      type: 'module',
      exports: { '.': { types: './index.d.ts', import: { default: './index.js' } } },
    },
    files: { 'index.js': good('import only') },
  },
  '@acme/source-scaler': {
    manifest: { ...contract, type: 'module', exports: { '.': { '@scaler/source': './src.js', default: './dist.js' } } },
    files: { 'src.js': good('source'), 'dist.js': good('dist') },
  },
  'plugin-dir-scaler': { ...esm(`export const contractVersion = '0.1';\n${good('plug-in folder')}`), in: pluginDir },
  'twice-scaler': esm(good('working directory')),
  'nested-scaler': {
    manifest: { ...contract, main: './cjs/index.js' },
    files: {
      'cjs/index.js': `exports.createResourceScaler = () => ({ ${methods.replace('FROM', '"nested"')} });`,
      'cjs/package.json': '{"type":"commonjs"}',
    },
  },
  'nameless-scaler': esm(good('nameless'), { name: undefined, ...contract }),
  'exported-contract-scaler': esm(`export const contractVersion = '${contractVersion}';\n${good('exported')}`, {}),
  'star-scaler': esm(good('star'), { dependencies: { '@scaler/scaler-types': '*' } }),
  'zero-x-scaler': esm(good('zero x'), { dependencies: { '@scaler/scaler-types': '0.x' } }),
  'range-scaler': esm(good('any range'), { dependencies: { '@scaler/scaler-types': '>=7 <99 || workspace:^' } }),
  'patch-of-contract': esm(`export const contractVersion = '${contractVersion}.3';\n${good('patch')}`, {}),
  'own-copy-scaler': withCopy(good('own copy'), contractVersion),
  'other-contract': withCopy('throw new Error("never imported");', '7'),
  'not-installed': { ...esm(good('x')), in: pluginDir },
  'other-contract-exported': esm(`export const contractVersion = '7.0.0';\n${good('x')}`, {}),
  'unknown-contract': esm(good('x'), {}),
  'no-entry': { manifest: { ...contract, main: './missing.js' }, files: { 'README.md': '' } },
  'syntax-error': esm('export const = 1;'),
  'throws-at-import': esm('throw new Error("no kubeconfig");'),
  'wrong-export': esm('export const createScaler = () => ({}); export const x = 1;'),
  'export-no-function': esm('export const createResourceScaler = {};'),
  'factory-throws': esm('export const createResourceScaler = () => { throw new Error("option region is missing"); };'),
  'factory-rejects': esm('export const createResourceScaler = async () => { throw new Error("cluster is gone"); };'),
  'factory-null': esm('export const createResourceScaler = () => null;'),
  'method-missing': esm(
    'export const createResourceScaler = () => ({ getConfig() {}, getResources: 1, setScale() {} });',
  ),
  'ability-wrong': esm(good('x', 'reconcile: true')),
};

function install(name: string, { in: place = cwd, manifest = {}, files }: Fixture): void {
  const folder = join(place, 'node_modules', name);
  const all = { 'package.json': JSON.stringify({ name, version: '4.5.6', ...manifest }), ...files };
  for (const [file, text] of Object.entries(all)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
}

type Result = {
  code?: string;
  message?: string;
  exitCode?: number;
  cause?: string;
  config?: object;
  [key: string]: unknown;
};
let results: Record<string, Result> = {};

beforeAll(async () => {
  mkdirSync(cwd, { recursive: true });
  for (const [name, fixture] of Object.entries(packages)) install(name, fixture);
  install('twice-scaler', { ...esm(good('plug-in folder')), in: pluginDir });
  install('@scaler/scaler-types', {
    manifest: { version: '3.4.5', scalerContract: contractVersion, main: './index.js' },
    files: { 'index.js': '' },
  });
  const script = fileURLToPath(new URL('../testing/load-scalers.ts', import.meta.url));
  const names = [...Object.keys(packages), './node_modules/esm-scaler/index.js', 'no-such-scaler'];
  const argv = ['--conditions=@scaler/source', script, cwd, '../plugins', ...names];
  const { stdout } = await promisify(execFile)(process.execPath, argv, { env: { PATH: process.env['PATH'] ?? '' } });
  results = JSON.parse(stdout) as Record<string, Result>;
});

describe('a scaler is loaded', () => {
  test.each([
    ['esm-scaler', 'esm'],
    ['cjs-scaler', 'cjs'],
    ['import-only-scaler', 'import only'],
    ['@acme/source-scaler', 'source'],
    ['plugin-dir-scaler', 'plug-in folder'],
    ['twice-scaler', 'working directory'],
    ['nested-scaler', 'nested'],
    ['nameless-scaler', 'nameless'],
    ['exported-contract-scaler', 'exported'],
    ['star-scaler', 'star'],
    ['zero-x-scaler', 'zero x'],
    ['range-scaler', 'any range'],
    ['patch-of-contract', 'patch'],
    ['own-copy-scaler', 'own copy'],
    ['./node_modules/esm-scaler/index.js', 'esm'],
  ])('%s, from %s', (name, from) => {
    expect(results[name]?.config).toEqual({ autoscaler: {}, dlx: { listenHost: from } });
  });

  test('and reported with its package, version, path and abilities', () => {
    expect(results['esm-scaler']).toMatchObject({
      packageName: 'esm-scaler',
      version: '4.5.6',
      path: join(cwd, 'node_modules/esm-scaler/index.js'),
      abilities: {
        watchResources: false,
        isStale: false,
        watchEndpoints: false,
        reconcile: false,
        explain: true,
        setBusy: false,
        close: true,
      },
    });
  });
});

describe('a scaler is refused with exit code 2 and one sentence', () => {
  const madeFor = (name: string, contract: string): string =>
    `the scaler package "${name}" was made for the contract ${contract} of @scaler/scaler-types, this app needs ${contractVersion}: install a version of one that is made for the other`;
  const unknown = (name: string): string =>
    `the scaler package "${name}" does not say for which contract it was made, this app needs ${contractVersion}: add @scaler/scaler-types to its dependencies and install it, or export contractVersion`;
  test.each<[string, string, string | RegExp]>([
    [
      'no-such-scaler',
      'plugin-not-found',
      new RegExp(`^the scaler package "no-such-scaler" was not found from ${cwd}, ${pluginDir}, /`),
    ],
    [
      'no-entry',
      'plugin-broken',
      /^the scaler package "no-entry" has no entry that can be imported: Cannot find module .*missing\.js/,
    ],
    ['syntax-error', 'plugin-broken', 'the scaler package "syntax-error" cannot be imported: Unexpected token \'=\''],
    ['throws-at-import', 'plugin-broken', 'the scaler package "throws-at-import" cannot be imported: no kubeconfig'],
    [
      'wrong-export',
      'plugin-export',
      'the scaler package "wrong-export" exports createScaler, x, but must export a function createResourceScaler',
    ],
    [
      'export-no-function',
      'plugin-export',
      'the scaler package "export-no-function" exports createResourceScaler, but must export a function createResourceScaler',
    ],
    ['factory-throws', 'plugin-factory', 'createResourceScaler of "factory-throws" failed: option region is missing'],
    ['factory-rejects', 'plugin-factory', 'createResourceScaler of "factory-rejects" failed: cluster is gone'],
    [
      'factory-null',
      'plugin-factory',
      'createResourceScaler of "factory-null" returned null, but must return a resource scaler',
    ],
    [
      'method-missing',
      'plugin-method',
      'the scaler of "method-missing" lacks getResources, resolveServiceName, required are getConfig, getResources, setScale, resolveServiceName',
    ],
    [
      'ability-wrong',
      'plugin-ability',
      'the scaler of "ability-wrong" has reconcile as a boolean, allowed is a function, or none',
    ],
    ['other-contract', 'plugin-contract', madeFor('other-contract', '7')],
    ['other-contract-exported', 'plugin-contract', madeFor('other-contract-exported', '7.0.0')],
    ['unknown-contract', 'plugin-contract-unknown', unknown('unknown-contract')],
    ['not-installed', 'plugin-contract-unknown', unknown('not-installed')],
  ])('%s: %s', (name, code, message) => {
    expect(results[name]).toMatchObject({ code, exitCode: 2 });
    if (typeof message === 'string') expect(results[name]?.message).toBe(message);
    else expect(results[name]?.message).toMatch(message);
    expect(results[name]?.message).not.toContain('\n');
  });

  test('the error of the factory is the cause', () => {
    expect(results['factory-throws']?.cause).toBe('option region is missing');
  });
});
