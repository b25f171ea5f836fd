import { whenAborted } from '@scaler/async';
import { type Clock, type Logger, systemClock } from '@scaler/scaler-types';
import { RuntimeError } from '../errors.ts';
import { createShutdown, type Shutdown } from './shutdown.ts';
import { isAbort } from './supervise.ts';

/** The part of `process` that is used; a test has its own. */
export interface ProcessSeam {
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  off(event: string, listener: (...args: unknown[]) => void): unknown;
  exit(code: number): void;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

/** The arguments of a process's `run`. */
export interface ProcessContext {
  /** Aborts at the first SIGTERM or SIGINT, with a RuntimeError `stopping`. */
  signal: AbortSignal;
  /** Its steps run when the signal aborts, and also when `run` has ended by itself. */
  shutdown: Shutdown;
  logger: Logger;
  clock: Clock;
}

export interface RunProcessOptions {
  /** The prefix of lines on standard error. */
  name: string;
  logger: Logger;
  clock?: Clock;
  process?: ProcessSeam;
  /** For all shutdown steps and the end of `run` together. Default: 30000. */
  shutdownTimeoutMs?: number;
  run(context: ProcessContext): Promise<void>;
}

/**
 * Runs a process to its end and exits: 0 when it ended or was stopped, 2 when `run` threw an error with `exitCode` 2
 * (config, plug-in; one line per problem on standard error), 1 when anything else was thrown or left uncaught, when a
 * shutdown step failed or hung, and at once at the second signal.
 *
 * An uncaught error is logged as `crashed`, with its kind (`uncaughtException`, `unhandledRejection`), message, causes and
 * stack; then the process exits without a drain, since its state is unknown. This is the last net: where the bytes of a
 * peer may make code throw, a guard ends the connection or request that they belong to.
 *
 * @returns the exit code, where `process.exit` is a seam that returns.
 */
export async function runProcess(options: RunProcessOptions): Promise<number> {
  const { name, logger, clock = systemClock, shutdownTimeoutMs = 30_000 } = options;
  const seam = options.process ?? process;
  const stop = new AbortController();
  const uninstall = installHandlers(seam, stop, logger);
  const shutdown = createShutdown({ deadlineMs: shutdownTimeoutMs, logger, clock });
  let exitCode = 0;
  const running = Promise.resolve()
    .then(() => options.run({ signal: stop.signal, shutdown, logger, clock }))
    .catch((error: unknown) => {
      if (!stop.signal.aborted || !isAbort(error, stop.signal)) exitCode = report(error, name, logger, seam);
    });
  await Promise.race([running, whenAborted(stop.signal)]);
  shutdown.step(Infinity, 'run', () => running);
  stop.abort(new RuntimeError('stopping', `${name} is stopping`));
  try {
    await shutdown.run();
  } catch (error) {
    exitCode ||= report(error, name, logger, seam);
  }
  uninstall();
  logger.info('stopped', { exitCode });
  seam.exit(exitCode);
  return exitCode;
}

function installHandlers(seam: ProcessSeam, stop: AbortController, logger: Logger): () => void {
  const onSignal = (signal: unknown): void => {
    if (stop.signal.aborted) {
      logger.warn('stop requested again, exiting at once', { signal });
      seam.exit(1);
      return;
    }
    logger.info('stop requested', { signal });
    stop.abort(new RuntimeError('stopping', `the process was asked to stop by ${String(signal)}`));
  };
  const onCrash =
    (kind: string) =>
    (error: unknown): void => {
      try {
        logger.error('crashed', { kind, err: error });
      } finally {
        seam.exit(1);
      }
    };
  const handlers = [
    ['SIGTERM', onSignal],
    ['SIGINT', onSignal],
    ['uncaughtException', onCrash('uncaughtException')],
    ['unhandledRejection', onCrash('unhandledRejection')],
  ] as const;
  for (const [event, handler] of handlers) seam.on(event, handler);
  return () => {
    for (const [event, handler] of handlers) seam.off(event, handler);
  };
}

/** Reports an error in the log or on standard error, by its kind, and returns its exit code. */
function report(error: unknown, name: string, logger: Logger, seam: ProcessSeam): number {
  const { exitCode } = (error ?? {}) as { exitCode?: unknown };
  if (exitCode === 2) {
    refuse(error, name, seam);
    return 2;
  }
  logger.error('failed', { err: error });
  return 1;
}

/** One line per problem on standard error. */
export function refuse(error: unknown, name: string, seam: Pick<ProcessSeam, 'stderr'>): void {
  const { problems, message } = error as { problems?: readonly string[]; message?: string };
  for (const problem of problems ?? [message ?? String(error)]) seam.stderr.write(`${name}: ${problem}\n`);
}
