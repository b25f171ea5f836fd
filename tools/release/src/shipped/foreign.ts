import { cp, mkdir, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { must } from '@scaler/command';

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
