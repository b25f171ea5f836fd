import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { imageLock, type Packed, type Places } from './lock.ts';
import { ourPackages, root } from './stage.ts';

const packed = (folder: string, manifest: object): Packed => {
  return {
    folder,
    spec: `file:../tarballs/${folder}.tgz`,
    integrity: 'sha512-x',
    manifest: { version: '1.0.0', ...manifest },
  };
};

test('each package finds in the image what it finds in the workspace: the same version, beside it or above', () => {
  const places: Places = {
    'node_modules/@our/app': { link: true, resolved: 'packages/app' },
    'node_modules/@our/lib': { link: true, resolved: 'packages/lib' },
    'packages/app/node_modules/x': { version: '2.0.0', integrity: 'x2', dependencies: { y: '1' } },
    'node_modules/x': { version: '1.0.0', integrity: 'x1' },
    'node_modules/y': {
      version: '1.0.0',
      integrity: 'y1',
      dependencies: { x: '1', z: '1' },
      peerDependencies: { p: '1' },
    },
    'node_modules/y/node_modules/z': { version: '3.0.0', integrity: 'z3', optionalDependencies: { gone: '1' } },
    'node_modules/z': { version: '1.0.0', integrity: 'z1' },
    'node_modules/p': { version: '1.0.0', integrity: 'p1' },
    'node_modules/unused': { version: '1.0.0', integrity: 'u1' },
  };
  const ours = {
    '@our/app': packed('packages/app', {
      dependencies: { x: '^2', '@our/lib': '^1.0.0' },
      devDependencies: { unused: '1' },
    }),
    '@our/lib': packed('packages/lib', { dependencies: { x: '^1' } }),
  };
  expect(imageLock(places, ours, ['@our/app'])).toEqual({
    'node_modules/@our/app': {
      ...{ version: '1.0.0', resolved: 'file:../tarballs/packages/app.tgz', integrity: 'sha512-x' },
      dependencies: { x: '^2', '@our/lib': '^1.0.0' },
    },
    'node_modules/@our/app/node_modules/x': places['packages/app/node_modules/x'],
    'node_modules/@our/lib': {
      ...{ version: '1.0.0', resolved: 'file:../tarballs/packages/lib.tgz', integrity: 'sha512-x' },
      dependencies: { x: '^1' },
    },
    'node_modules/p': places['node_modules/p'],
    'node_modules/x': places['node_modules/x'],
    'node_modules/y': places['node_modules/y'],
    'node_modules/y/node_modules/z': places['node_modules/y/node_modules/z'],
  });
});

test('a dependency that the lock does not have is an error', () => {
  const ours = { '@our/app': packed('packages/app', { dependencies: { new: '1' } }) };
  const places = { 'node_modules/@our/app': { link: true, resolved: 'packages/app' } };
  expect(() => imageLock(places, ours, ['@our/app'])).toThrow('package-lock.json has no new for packages/app');
});

test('each package that the images install is in the lock, with its bytes: undici in each of its versions too', () => {
  const read = (file: string): unknown => JSON.parse(readFileSync(join(root, file), 'utf8'));
  const { packages: places } = read('package-lock.json') as { packages: Places };
  const ours = Object.fromEntries(
    Object.entries(ourPackages(places)).map(([name, folder]) => [
      name,
      packed(folder, read(`${folder}/package.json`) as object),
    ]),
  );
  const lock = imageLock(places, ours, ['@scaler/dlx', '@scaler/autoscaler', '@scaler/deployment-scaler']);
  for (const [path, { integrity }] of Object.entries(lock))
    expect([path, integrity]).toEqual([path, expect.stringMatching(/^sha512-/)]);
  const undici = Object.entries(lock).filter(([path]) => path.endsWith('node_modules/undici'));
  expect(undici.length).toBeGreaterThan(1);
  for (const [path, { version }] of undici) expect(version).toBe(places[path]?.version);
  expect(Object.keys(lock).some((path) => path.includes('jest'))).toBe(false);
});
