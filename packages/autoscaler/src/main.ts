#!/usr/bin/env -S node --min-semi-space-size=4 --max-semi-space-size=8 --expose-gc
// With a thousand resources Node's young generation grows to its limit, up to 130 MB, and is no faster for it. With less
// than 4 MB the objects of a tick outlive it, and are collected with the whole heap. `gc` is for the end of the start.
import { createRequire } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import { runApp, spareMemory } from '@scaler/runtime';
import { runAutoscaler } from './app/run.ts';
import { settings } from './app/settings.ts';
import { runUninstall } from './app/uninstall.ts';

// A tick leaves a few MB, so a collection of the whole heap comes once in several ticks.
const onSynced = spareMemory({ worthIt: 0, growingPercent: 20 });
// Code that runs every ten seconds must not be compiled anew each time.
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
