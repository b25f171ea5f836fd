import type { Clock } from '@scaler/scaler-types';
import { type Config, loadConfig } from '../config/config.ts';
import { helpText } from '../config/outputs.ts';
import type { ConfigTable } from '../config/setting.ts';
import { createLogger } from '../log/logger.ts';
import { watchLoop } from './loop-watch.ts';
import type { processSettings } from './process-settings.ts';
import { type ProcessContext, type ProcessSeam, refuse, runProcess } from './run-process.ts';

export interface RunAppOptions<T extends ConfigTable & typeof processSettings> {
  /** The command's name, also on each log line. */
  name: string;
  version: string;
  /** One sentence for the help. */
  summary: string;
  /** Contains {@link processSettings}. */
  table: T;
  /** Default: this process's own, without node and script. */
  argv?: readonly string[];
  /** Default: this process's own. */
  env?: Readonly<Record<string, string | undefined>>;
  clock?: Clock;
  process?: ProcessSeam;
  run(context: ProcessContext & { config: Config<T> }): Promise<void>;
}

/**
 * The frame of an app's main: `--help`, `--version`, settings, logger, then {@link runProcess}.
 *
 * @returns the exit code, where `process.exit` is a seam that returns.
 */
export async function runApp<T extends ConfigTable & typeof processSettings>(
  options: RunAppOptions<T>,
): Promise<number> {
  const { name, version, summary, table, argv = process.argv.slice(2), env = process.env, run } = options;
  const seam = options.process ?? process;
  const exit = (exitCode: number): number => {
    seam.exit(exitCode);
    return exitCode;
  };
  if (argv.includes('--help') || argv.includes('-h')) {
    seam.stdout.write(helpText(table, { name, summary }));
    return exit(0);
  }
  if (argv.includes('--version')) {
    seam.stdout.write(`${name} ${version}\n`);
    return exit(0);
  }
  let config: Config<T>;
  try {
    config = loadConfig(table, { argv, env });
  } catch (error) {
    refuse(error, name, seam);
    return exit(2);
  }
  // The constraint on T gives these three their types; inside, T is still open.
  const { logLevel, logFormat, shutdownTimeout, loopLimit } = (config as unknown as Config<typeof processSettings>)
    .values;
  const logger = createLogger({ name, level: logLevel, format: logFormat });
  if (seam === process && loopLimit > 0) {
    watchLoop({ name, format: logFormat, logs: logLevel !== 'silent', limitMs: loopLimit });
  }
  return runProcess({
    name,
    logger,
    process: seam,
    shutdownTimeoutMs: shutdownTimeout,
    ...(options.clock && { clock: options.clock }),
    run: (context) => run({ ...context, config }),
  });
}
