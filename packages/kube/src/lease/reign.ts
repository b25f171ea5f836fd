import type { CancelTimer, Clock, Logger } from '@scaler/scaler-types';
import type { Held, LeaseClaim } from './lease-claim.ts';

/** The arguments of a leader. */
export interface Leadership {
  /** Aborts when the Lease is lost, always before another process can have it, and when the election shuts down. */
  readonly signal: AbortSignal;
  /** How often the Lease changed hands; grows with every new leader. */
  readonly transitions: number;
}

export interface ReignOptions {
  readonly claim: LeaseClaim;
  readonly held: Held;
  readonly lead: (leadership: Leadership) => Promise<void>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly renewDeadlineMs: number;
  readonly retryPeriodMs: number;
  /** The process shuts down. */
  readonly stop: AbortSignal;
}

const releaseAttempts = 3;

/** One leadership from the won Lease to its release: renews while `lead` runs, and takes the leadership away in time. */
export async function reign(options: ReignOptions): Promise<void> {
  const { claim, held, lead, log, stop } = options;
  const ended = new AbortController();
  const lost = new AbortController();
  const signal = AbortSignal.any([stop, lost.signal]);
  const onLost = (why: string): void => {
    log.warn('Lease lost', { why, holder: claim.holder });
    lost.abort(new Error(`The Lease was lost: ${why}`));
  };
  log.info('Lease acquired', { transitions: held.transitions });
  const renewing = keepRenewing(options, ended.signal, onLost);
  try {
    await lead({ signal, transitions: held.transitions });
  } catch (err) {
    if (!signal.aborted) throw err;
    log.debug('Work of the leader ended', { err });
  } finally {
    ended.abort();
    await renewing;
    if (!lost.signal.aborted) await release(options);
  }
}

/** Renews until `ended`, or until the Lease must be taken for lost. */
async function keepRenewing(options: ReignOptions, ended: AbortSignal, onLost: (why: string) => void): Promise<void> {
  const { claim, clock, log, renewDeadlineMs, retryPeriodMs } = options;
  const over = new AbortController();
  const signal = AbortSignal.any([ended, over.signal]);
  let cancel: CancelTimer = () => undefined;
  const lose = (why: string): void => {
    if (signal.aborted) return;
    over.abort();
    onLost(why);
  };
  const renewed = (sentAtMs: number): void => {
    cancel();
    const restMs = sentAtMs + renewDeadlineMs - clock.monotonic();
    cancel = clock.after(restMs, () => lose(`not renewed for ${renewDeadlineMs} ms`));
  };
  renewed(options.held.sentAtMs);
  while (!signal.aborted) {
    await clock.sleep(retryPeriodMs, signal).catch(() => undefined);
    if (signal.aborted) break;
    try {
      const held = await claim.attempt(signal);
      if (held !== undefined) renewed(held.sentAtMs);
      else lose('another process has it');
    } catch (err) {
      if (!signal.aborted) log.warn('Lease cannot be renewed', { err });
    }
  }
  cancel();
}

/** Lets other processes take it at once, instead of after the whole duration. A failure does no harm. */
async function release({ claim, clock, log, retryPeriodMs }: ReignOptions): Promise<void> {
  for (let attempt = 1; attempt <= releaseAttempts; attempt++) {
    try {
      await claim.release(new AbortController().signal);
      log.info('Lease released');
      return;
    } catch (err) {
      // A renewal that was cut off may have arrived in between.
      if (attempt === releaseAttempts) log.warn('Lease cannot be released', { err });
      else await clock.sleep(retryPeriodMs / 10);
    }
  }
}
