import { FairQueue } from '@scaler/async';
import { type CancelTimer, type Clock, type Logger, resourceKey, type ResourceRef } from '@scaler/scaler-types';

export interface StartThrottleOptions {
  /** Resources that start at once. */
  readonly limit: number;
  /** The same, of one namespace. */
  readonly namespaceLimit: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onStart: (ref: ResourceRef) => void;
}

/** One that has no ready pod after so long leaves its place to the next: it may never have one. */
const placeForMs = 60_000;

interface Place {
  readonly namespace: string;
  readonly leave: CancelTimer;
}

/**
 * The order in which sleepers are started once no DLX is left: a few at once, over all and in each namespace, and no
 * namespace waits for another's crowd. A DLX that comes back ends it in the middle: a sleeper that had no turn sleeps on.
 */
export function createStartThrottle(options: StartThrottleOptions) {
  const { limit, namespaceLimit, clock, logger, onStart } = options;
  const line = new FairQueue<string>();
  const places = new Map<string, Place>();
  const started = new Set<string>();
  let openedMs: number | undefined;

  const wait = (ref: ResourceRef): void => {
    if (!started.has(resourceKey(ref))) line.add(ref.namespace, ref.name);
  };

  const leave = (key: string): void => {
    places.get(key)?.leave();
    if (!places.delete(key)) return;
    fill();
    if (places.size > 0 || line.size > 0) return;
    const tookMs = Math.round(clock.monotonic() - (openedMs ?? 0));
    logger.info('Every sleeper has had its turn to start', { started: started.size, tookMs });
  };

  const hasRoom = (namespace: string): boolean =>
    [...places.values()].filter((place) => place.namespace === namespace).length < namespaceLimit;

  const fill = (): void => {
    while (places.size < limit) {
      const next = line.take(hasRoom);
      if (next === undefined) return;
      const ref = { namespace: next.namespace, name: next.item };
      const key = resourceKey(ref);
      started.add(key);
      places.set(key, { namespace: ref.namespace, leave: clock.after(placeForMs, () => leave(key)) });
      onStart(ref);
    }
  };

  return {
    /** From now on each of them gets its turn, and so does every other resource that is found asleep. */
    open: (sleepers: readonly ResourceRef[]): void => {
      openedMs = clock.monotonic();
      sleepers.forEach(wait);
      logger.warn('Sleepers are started one after the other', { sleepers: sleepers.length, limit, namespaceLimit });
      fill();
    },
    close: (): void => {
      openedMs = undefined;
      for (const place of places.values()) place.leave();
      for (const one of [line, places, started]) one.clear();
    },
    /** It may be started. */
    mayStart: (ref: ResourceRef): boolean => started.has(resourceKey(ref)),
    /** What is known of a resource now. `starting`: woken, without a ready pod; `up`: it needs no turn, or none any more. */
    look: (ref: ResourceRef, state: 'asleep' | 'starting' | 'up'): void => {
      if (openedMs === undefined || state === 'starting') return;
      if (state === 'asleep') {
        wait(ref);
        fill();
      } else {
        line.delete(ref.namespace, ref.name);
        leave(resourceKey(ref));
      }
    },
    /** How many wait for their turn. */
    get waiting(): number {
      return line.size;
    },
  };
}

export type StartThrottle = ReturnType<typeof createStartThrottle>;
