import { type Clock, errorCode, type Logger } from '@scaler/scaler-types';

const firstPauseMs = 25;
const longestPauseMs = 2_000;

export interface LiveCheckOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether it is still needed. */
  readonly needed: () => boolean;
  readonly check: (signal: AbortSignal) => Promise<void>;
}

/** Repeats a check for as long as it is needed, with pauses that grow from 50 ms to 2 s. */
export interface LiveCheck {
  /** Call it whenever it may be needed. The first check comes after 25 ms, in which the watches may do without it; `urgent`: at once. */
  need(urgent: boolean): void;
  stop(): void;
}

export function createLiveCheck({ clock, logger, needed, check }: LiveCheckOptions): LiveCheck {
  const stopping = new AbortController();
  const stopped = stopping.signal;
  let running = false;
  let first = new AbortController();

  async function run(): Promise<void> {
    await clock.sleep(firstPauseMs, AbortSignal.any([stopped, first.signal])).catch(() => undefined);
    for (
      let pauseMs = 2 * firstPauseMs;
      !stopped.aborted && needed();
      pauseMs = Math.min(longestPauseMs, 2 * pauseMs)
    ) {
      await check(stopped).catch((err: unknown) => {
        if (!stopped.aborted) logger.warn('Live read of pods failed', { code: errorCode(err), err });
      });
      if (needed()) await clock.sleep(pauseMs, stopped).catch(() => undefined);
    }
  }

  return {
    need: (urgent) => {
      if (stopped.aborted || !needed()) return;
      if (!running) {
        running = true;
        first = new AbortController();
        void run().finally(() => {
          running = false;
        });
      }
      if (urgent) first.abort();
    },
    stop: () => stopping.abort(),
  };
}
