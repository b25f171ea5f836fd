import { whenAborted } from '@scaler/async';
import { type Clock, type Logger, systemClock } from '@scaler/scaler-types';
import { RuntimeError } from '../errors.ts';

/** The work of a step. It should end soon after its signal aborts. */
export type ShutdownWork = (signal: AbortSignal) => Promise<void> | void;

export interface ShutdownOptions {
  /** For all steps together. */
  deadlineMs: number;
  logger: Logger;
  clock?: Clock;
}

interface Step {
  number: number;
  name: string;
  work: ShutdownWork;
  limitMs: number | undefined;
}

export type Shutdown = ReturnType<typeof createShutdown>;

/** The numbered steps by which a process ends. */
export function createShutdown({ deadlineMs, logger, clock = systemClock }: ShutdownOptions) {
  const steps: Step[] = [];
  let running: Promise<void> | undefined;
  return {
    /**
     * Adds a step. Steps run one after the other, in the order of their numbers.
     *
     * `limitMs`: after so long the step's signal aborts and the next step begins; that is no failure (a drain may well
     * use up its time). Default: only the overall deadline.
     *
     * @throws RuntimeError `stopping` once the shutdown has begun; `invalid-table` when the number is taken.
     */
    step(number: number, name: string, work: ShutdownWork, { limitMs }: { limitMs?: number } = {}): void {
      if (running)
        throw new RuntimeError('stopping', `shutdown step ${number} "${name}" comes too late, the shutdown has begun`);
      const taken = steps.find((step) => step.number === number);
      if (taken)
        throw new RuntimeError(
          'invalid-table',
          `shutdown step ${number} is "${taken.name}" and cannot be "${name}" too`,
        );
      steps.push({ number, name, work, limitMs });
    },
    /**
     * Runs all steps, once; later calls get the same promise. A step that throws is logged and does not stop the others.
     *
     * @throws RuntimeError `shutdown-deadline` that names the step that hung, `shutdown-failed` that names the steps that threw.
     */
    run: (): Promise<void> =>
      (running ??= runSteps(
        steps.sort((a, b) => a.number - b.number),
        { deadlineMs, logger, clock },
      )),
  };
}

async function runSteps(steps: readonly Step[], options: Required<ShutdownOptions>): Promise<void> {
  const { deadlineMs, logger, clock } = options;
  const deadline = new AbortController();
  const cancel = clock.after(deadlineMs, () => deadline.abort());
  const failed: string[] = [];
  try {
    for (const step of steps) {
      const ok = await runStep(step, deadline.signal, options);
      if (deadline.signal.aborted) {
        const sentence = `shutdown step "${step.name}" had not ended after the deadline of ${deadlineMs} ms`;
        logger.error('shutdown deadline exceeded', { step: step.name, number: step.number, deadlineMs });
        throw new RuntimeError('shutdown-deadline', sentence);
      }
      if (!ok) failed.push(step.name);
    }
  } finally {
    cancel();
  }
  if (failed.length > 0) throw new RuntimeError('shutdown-failed', `shutdown steps failed: ${failed.join(', ')}`);
}

/** Whether the step did not throw. Returns when it ends, at its limit, or at the deadline, whichever is first. */
async function runStep(
  step: Step,
  deadline: AbortSignal,
  { logger, clock }: Required<ShutdownOptions>,
): Promise<boolean> {
  const limit = new AbortController();
  const cancel = step.limitMs === undefined ? () => {} : clock.after(step.limitMs, () => limit.abort());
  const signal = AbortSignal.any([deadline, limit.signal]);
  const fields = { step: step.name, number: step.number };
  const startedMs = clock.monotonic();
  const work = Promise.resolve()
    .then(() => step.work(signal))
    .then(
      () => true,
      (error: unknown) => {
        // A step that throws its signal's reason has ended as it should.
        if (signal.aborted) return true;
        logger.error('shutdown step failed', { ...fields, err: error });
        return false;
      },
    );
  const ok = await Promise.race([work, whenAborted(signal).then(() => true)]);
  cancel();
  if (limit.signal.aborted) logger.warn('shutdown step used up its time', { ...fields, limitMs: step.limitMs });
  else if (!deadline.aborted) logger.debug('shutdown step done', { ...fields, ms: clock.monotonic() - startedMs });
  return ok;
}
