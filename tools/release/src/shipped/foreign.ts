import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { must } from '@scaler/command';
import { root } from '../packages.ts';

/**
 * Publishes a scaler of somebody else, as of the first release that this check sees; later releases have to take it as it
 * is. Its dependency is what `npm install @scaler/scaler-types` writes.
 */
export async function publishForeign(folder: string): Promise<void> {
  if (existsSync(folder)) return;
  await mkdir(folder);
  const version = await must('npm', ['view', '@scaler/scaler-types', 'version']);
  const manifest = {
    ...{ name: '@acme/shop-scaler', version: '1.0.0', type: 'module', exports: './index.js' },
    dependencies: { '@scaler/scaler-types': `^${version}` },
  };
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest));
  await cp(join(import.meta.dirname, 'foreign-scaler.js'), join(folder, 'index.js'));
  await must('npm', ['publish', '--access', 'public'], { cwd: folder });
}

/** Compiles the scaler of the README of scaler-types against the types that are installed. */
export async function compileExample(folder: string, checkout: string): Promise<void> {
  const readme = await readFile(join(checkout, 'packages/scaler-types/README.md'), 'utf8');
  await writeFile(join(folder, 'author.ts'), /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? '');
  const strict = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024'];
  await must(join(root, 'node_modules/.bin/tsc'), [...strict, 'author.ts'], { cwd: folder });
}
