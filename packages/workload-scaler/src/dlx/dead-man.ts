import { createTroubles, type Trouble } from '@scaler/async';
import type { DlxAddresses } from './dlx-addresses.ts';
import type { Clock, Logger } from '@scaler/scaler-types';

export interface DeadManOptions {
  readonly dlx: DlxAddresses;
  /** 0: never. */
  readonly limitMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onChange: () => void;
}

const tickMs = 1_000;

const unsure: Trouble = {
  key: 'dlx',
  begun: 'Cannot tell whether there is a DLX',
  ended: 'Whether there is a DLX can be told again',
};

/**
 * Notices that there is no DLX, and has not been for too long. Gone takes the whole limit by the watch and then two live
 * reads, a second apart; back takes one look at the watch.
 */
export function createDeadMan({ dlx, limitMs, clock, logger, onChange }: DeadManOptions) {
  let gone = false;
  let noneSinceMs: number | undefined;
  const troubles = createTroubles(clock, logger);

  async function isReallyGone(signal: AbortSignal): Promise<boolean> {
    for (let reads = 0; reads < 2; reads++) {
      if (reads > 0) await clock.sleep(tickMs, signal);
      const addresses = await dlx.live(signal);
      if (addresses.some(({ ready }) => ready)) return false;
    }
    return true;
  }

  async function look(signal: AbortSignal): Promise<void> {
    if (!dlx.synced || dlx.silent) return;
    if (dlx.ready.length > 0) {
      noneSinceMs = undefined;
      set(false);
      return;
    }
    noneSinceMs ??= clock.monotonic();
    if (gone || clock.monotonic() - noneSinceMs < limitMs) return;
    if (await isReallyGone(signal)) set(true);
  }

  function set(now: boolean): void {
    if (gone === now) return;
    gone = now;
    if (now) logger.warn('No DLX is left: restoring every Service and waking every sleeper', { limitMs });
    else logger.info('A DLX is there again');
    onChange();
  }

  return {
    get gone(): boolean {
      return gone;
    },
    run: async (signal: AbortSignal): Promise<void> => {
      if (limitMs === 0) return;
      while (!signal.aborted) {
        await look(signal).then(
          () => troubles.see(unsure, undefined),
          (err: unknown) => signal.aborted || troubles.see(unsure, { err }),
        );
        await clock.sleep(tickMs, signal).catch(() => undefined);
      }
    },
  };
}
