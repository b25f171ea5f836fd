/** An app for the tests with a real process: says `ready`, then runs until its signal aborts, as `--mode` says. */
import { defineConfig, parsers, processSettings, runApp, setting } from '../index.ts';

const table = defineConfig({
  ...processSettings,
  mode: setting({
    parser: parsers.oneOf('stop', 'hang', 'throw', 'reject', 'spin'),
    default: 'stop',
    doc: 'How it ends.',
  }),
});

await runApp({
  name: 'test-app',
  version: '1.2.3',
  summary: 'An app for tests.',
  table,
  async run({ config, signal, shutdown }) {
    const held = setInterval(() => {}, 60_000);
    const { mode } = config.values;
    if (mode === 'throw') setImmediate(() => fail());
    if (mode === 'spin') setImmediate(spin);
    if (mode === 'reject') void Promise.reject(new Error('this is not caught'));
    shutdown.step(1, 'goodbye', () => (mode === 'hang' ? new Promise(() => {}) : undefined));
    process.stdout.write('ready\n');
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    clearInterval(held);
  },
});

function spin(): never {
  for (;;);
}

function fail(): never {
  throw new Error('thrown in the wild');
}
