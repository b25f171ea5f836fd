import type { Clock, Logger } from '@scaler/scaler-types';

/** What goes wrong for a while, and what is logged of it. */
export interface Trouble {
  /** Tells it from others: a few, of our own choice. */
  readonly key: string;
  readonly begun: string;
  readonly ended: string;
}

export type Troubles = ReturnType<typeof createTroubles>;

/** Logs what goes wrong once when it begins and once when it has ended, however often it is seen in between. */
export function createTroubles(clock: Clock, logger: Logger) {
  const since = new Map<string, number>();
  return {
    /** `fields`: of this trouble now; undefined: there is none. */
    see({ key, begun, ended }: Trouble, fields: Readonly<Record<string, unknown>> | undefined): void {
      const beganMs = since.get(key);
      if (fields !== undefined && beganMs === undefined) {
        since.set(key, clock.monotonic());
        logger.warn(begun, fields);
      }
      if (fields === undefined && beganMs !== undefined) {
        since.delete(key);
        logger.info(ended, { of: key, lastedMs: Math.round(clock.monotonic() - beganMs) });
      }
    },
  };
}
