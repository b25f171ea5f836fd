import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { commandLine } from '@scaler/command';

commandLine({
  name: 'npm run e2e:stage',
  doc: 'Leaves in dist/e2e-image all that the pods run: the packages as they are published, the app, the helpers.',
  examples: { '': 'before an image of dist/e2e-image is built' },
});

const root = join(import.meta.dirname, '../../..');
const folder = join(root, 'dist/e2e-image');
await rm(join(folder, 'programs'), { recursive: true, force: true });
await cp(join(import.meta.dirname, 'suites/cluster/programs'), join(folder, 'programs'), { recursive: true });
console.log(folder);
