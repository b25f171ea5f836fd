import type { Clock, Logger } from '@scaler/scaler-types';
import type { KubeClient } from '../client/client.ts';
import { KubeError } from '../errors.ts';
import { type Held, LeaseClaim } from './lease-claim.ts';
import { type Leadership, reign } from './reign.ts';

export interface ElectionOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly name: string;
  /** Unique per process: two processes with one identity would take the Lease from each other again and again. */
  readonly identity: string;
  /** How long other processes wait after the last renewal; default 15 s. */
  readonly leaseDurationMs?: number | undefined;
  /** How long the holder acts after its last renewal; default 10 s, less than the duration. */
  readonly renewDeadlineMs?: number | undefined;
  /** How often it is renewed or tried; default 2 s, less than the deadline. */
  readonly retryPeriodMs?: number | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Competes for a Lease (`coordination.k8s.io/v1`), so that only one process acts. Nothing happens before `run`.
 *
 * @throws KubeError `bad-config` unless retry period < renew deadline < lease duration.
 */
export function createElection(options: ElectionOptions) {
  const { clock, logger, namespace, name, identity } = options;
  const { leaseDurationMs = 15_000, renewDeadlineMs = 10_000, retryPeriodMs = 2_000 } = options;
  if (!(0 < retryPeriodMs && retryPeriodMs < renewDeadlineMs && renewDeadlineMs < leaseDurationMs)) {
    throw new KubeError(
      'bad-config',
      `Lease times must be retry period < renew deadline < lease duration, not ${retryPeriodMs} < ${renewDeadlineMs} < ${leaseDurationMs} ms`,
    );
  }
  const callTimeoutMs = Math.max(retryPeriodMs, renewDeadlineMs / 4);
  const claim = new LeaseClaim({ ...options, leaseDurationMs, callTimeoutMs });
  const log = logger.child({ lease: `${namespace}/${name}`, identity });

  async function compete(signal: AbortSignal): Promise<Held | undefined> {
    while (!signal.aborted) {
      try {
        const held = await claim.attempt(signal);
        if (held !== undefined) return held;
      } catch (err) {
        if (!signal.aborted) log.warn('Lease cannot be tried', { err });
      }
      await clock.sleep(retryPeriodMs * (1 + Math.random() / 5), signal).catch(() => undefined);
    }
    return undefined;
  }

  return {
    /**
     * Competes until `signal` aborts; calls `lead` each time it wins, and waits for it to end before anything else. The
     * Lease is renewed until then, also while `lead` winds down, and released afterwards.
     *
     * @throws the error that `lead` throws while it leads.
     */
    run: async (signal: AbortSignal, lead: (leadership: Leadership) => Promise<void>): Promise<void> => {
      for (let held = await compete(signal); held !== undefined; held = await compete(signal)) {
        await reign({ claim, held, lead, clock, log, renewDeadlineMs, retryPeriodMs, stop: signal });
      }
    },
  };
}
