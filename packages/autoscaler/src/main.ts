#!/usr/bin/env node
import { createRequire } from 'node:module';
import { runApp } from '@scaler/runtime';
import { runAutoscaler } from './app/run.ts';
import { settings } from './app/settings.ts';
import { runUninstall } from './app/uninstall.ts';

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
