/** An app that does nothing but load its scaler, on a clock that goes a hundred times as fast. */
import { systemClock } from '@scaler/scaler-types';
import {
  defineConfig,
  loadConfiguredScaler,
  placeSettings,
  pluginSettings,
  processSettings,
  runApp,
} from '../index.ts';

const table = defineConfig({ ...processSettings, ...pluginSettings, ...placeSettings });

await runApp({
  name: 'test-app',
  version: '1.2.3',
  summary: 'An app for tests.',
  table,
  clock: { ...systemClock, after: (ms, callback) => systemClock.after(ms / 100, callback) },
  async run(context) {
    await loadConfiguredScaler({ ...context, role: 'dlx', closeStep: 1, appUrl: import.meta.url });
  },
});
