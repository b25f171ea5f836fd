#!/usr/bin/env -S node --min-semi-space-size=4 --max-semi-space-size=8 --expose-gc
// A thousand resources take as much room as Node lets the young generation have, up to 130 MB, and are no faster for it.
// With less than 4 MB what a tick needs for its own time outlives it, and is collected with all the rest. `gc` is for the
// end of the start.
import { createRequire } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import { runApp, spareMemory } from '@scaler/runtime';
import { runAutoscaler } from './app/run.ts';
import { settings } from './app/settings.ts';
import { runUninstall } from './app/uninstall.ts';

// What a tick leaves is a few MB: between two collections of all the heap there are some ticks.
const onSynced = spareMemory({ worthIt: 0, growingPercent: 20 });
// What is used every ten seconds must not be compiled anew each time.
setFlagsFromString('--no-flush-bytecode');

const { version } = createRequire(import.meta.url)('../package.json') as { version: string };

await runApp({
  name: 'scaler-autoscaler',
  version,
  summary: 'Decides which resources go to zero, and repairs what was left half done.',
  table: settings,
  run: (context) => {
    const run = context.config.values.uninstall ? runUninstall : runAutoscaler;
    return run({ ...context, appUrl: import.meta.url, onSynced });
  },
});
