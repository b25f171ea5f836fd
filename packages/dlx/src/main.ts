#!/usr/bin/env -S node --max-semi-space-size=16 --expose-gc
// Beyond 16 MB the young generation makes nothing faster, and costs up to 130 MB after a burst of held requests. `gc` is
// for the end of the start.
import { createRequire } from 'node:module';
import { runApp, spareMemory } from '@scaler/runtime';
import { runDlx } from './app.ts';
import { settings } from './settings.ts';

const { version } = createRequire(import.meta.url)('../package.json') as { version: string };

const onSynced = spareMemory({ worthIt: 1000 });

await runApp({
  name: 'scaler-dlx',
  version,
  summary: 'Receives the requests of sleeping resources, holds them, wakes, forwards.',
  table: settings,
  run: (context) => runDlx({ ...context, appUrl: import.meta.url, onSynced }),
});
