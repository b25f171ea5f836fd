import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { publicPackages, root } from './packages.ts';

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly repository?: { readonly type: string; readonly url: string; readonly directory: string };
  readonly publishConfig?: { readonly access?: string };
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

const folders = globSync('{packages,examples,tools}/*', { cwd: root }).toSorted();
const manifests = folders.map((folder): [string, Manifest] => [
  folder,
  JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Manifest,
]);

test.each(manifests.filter(([, one]) => one.private !== true))(
  '%s is public, and names the repository, without which npm takes no provenance',
  (directory, { repository, publishConfig }) => {
    expect(repository).toEqual({ type: 'git', url: 'git+https://github.com/scaler/scaler.git', directory });
    expect(publishConfig?.access).toBe('public');
  },
);

test('no private package keeps a version of ours: a release does not change it', () => {
  const kept = manifests
    .filter(([, one]) => one.private === true)
    .flatMap(([folder, { dependencies, devDependencies }]) =>
      Object.entries({ ...dependencies, ...devDependencies })
        .filter(([name, range]) => name.startsWith('@scaler/') && range !== '*')
        .map(([name, range]) => `${folder}: ${name} ${range}`),
    );
  expect(kept).toEqual([]);
});

test('what is published is what is public', async () => {
  const names = (await publicPackages()).map(({ name }) => name).toSorted();
  const wanted = manifests.filter(([, one]) => one.private !== true).map(([, { name }]) => name);
  expect(names).toEqual(wanted.toSorted());
});
