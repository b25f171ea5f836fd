#!/usr/bin/env -S node --max-semi-space-size=8
// A thousand resources take as much room as Node lets the young generation have, up to 130 MB, and are no faster for it.
import { createRequire } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import { runApp } from '@scaler/runtime';
import { runAutoscaler } from './app/run.ts';
import { settings } from './app/settings.ts';
import { runUninstall } from './app/uninstall.ts';

// What a start leaves behind is looked for once the heap has grown by a fifth, not by several times what is in use: with a
// thousand resources 200 MB in all, not 320.
setFlagsFromString('--heap-growing-percent=20');

const { version } = createRequire(import.meta.url)('../package.json') as { version: string };

await runApp({
  name: 'scaler-autoscaler',
  version,
  summary: 'Decides which resources go to zero, and repairs what was left half done.',
  table: settings,
  run: (context) => {
    const run = context.config.values.uninstall ? runUninstall : runAutoscaler;
    return run({ ...context, appUrl: import.meta.url });
  },
});
