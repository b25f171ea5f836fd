/** Loads scalers in a real Node (a test runner has module loading of its own) and prints the result of each, as JSON. */
import { systemClock } from '@scaler/scaler-types';
import { createLogger } from '../log/logger.ts';
import { loadResourceScaler } from '../plugin/load.ts';

const [cwd = '', pluginDir = '', ...names] = process.argv.slice(2);
const logger = createLogger({ name: 'test', level: 'silent' });
const context = {
  role: 'dlx',
  identity: 'test',
  namespaces: undefined,
  dlxService: undefined,
  options: {},
  logger,
  clock: systemClock,
} as const;

const results: Record<string, unknown> = {};
for (const name of names) {
  results[name] = await loadResourceScaler({ name, cwd, pluginDir, appUrl: import.meta.url, context, logger }).then(
    async ({ scaler, ...loaded }) => ({ ...loaded, config: await scaler.getConfig() }),
    ({ code, message, exitCode, cause }: Error & { code?: unknown; exitCode?: unknown }) => ({
      code,
      message,
      exitCode,
      cause: cause instanceof Error ? cause.message : undefined,
    }),
  );
}
process.stdout.write(JSON.stringify(results));
