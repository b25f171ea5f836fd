import { type CancelTimer, type Clock, type Logger, resourceKey, type ResourceRef } from '@scaler/scaler-types';

/**
 * The order in which sleepers are started once no DLX is left: a few at once, over all and in each namespace, and no
 * namespace waits for another's crowd. A DLX that comes back ends it in the middle: whoever had no turn sleeps on.
 */
export interface Pace {
  /** From now on each of them gets its turn, and whoever else turns out to sleep. */
  open(sleepers: readonly ResourceRef[]): void;
  close(): void;
  /** It may be started. */
  isTurn(ref: ResourceRef): boolean;
  /** What is known of a resource now. `starting`: woken, without a ready pod; `up`: it needs no turn, or none any more. */
  look(ref: ResourceRef, state: 'asleep' | 'starting' | 'up'): void;
  /** How many wait for their turn. */
  readonly waiting: number;
}

export interface PaceOptions {
  /** Resources that start at once. */
  readonly limit: number;
  /** The same, of one namespace. */
  readonly namespaceLimit: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onTurn: (ref: ResourceRef) => void;
}

/** One that has no ready pod after so long leaves its place to the next: it may never have one. */
const placeForMs = 60_000;

interface Place {
  readonly namespace: string;
  readonly leave: CancelTimer;
}

export function createPace({ limit, namespaceLimit, clock, logger, onTurn }: PaceOptions): Pace {
  const line = createLine();
  const places = new Map<string, Place>();
  const turns = new Set<string>();
  let openedMs: number | undefined;

  const wait = (ref: ResourceRef): void => {
    if (!turns.has(resourceKey(ref))) line.join(ref);
  };

  const leave = (key: string): void => {
    places.get(key)?.leave();
    if (!places.delete(key)) return;
    fill();
    if (places.size > 0 || !line.isEmpty()) return;
    const tookMs = Math.round(clock.monotonic() - (openedMs ?? 0));
    logger.info('Every sleeper has had its turn to start', { started: turns.size, tookMs });
  };

  const hasRoom = (namespace: string): boolean =>
    [...places.values()].filter((place) => place.namespace === namespace).length < namespaceLimit;

  const fill = (): void => {
    while (places.size < limit) {
      const ref = line.next(hasRoom);
      if (ref === undefined) return;
      const key = resourceKey(ref);
      turns.add(key);
      places.set(key, { namespace: ref.namespace, leave: clock.after(placeForMs, () => leave(key)) });
      onTurn(ref);
    }
  };

  return {
    open: (sleepers) => {
      openedMs = clock.monotonic();
      sleepers.forEach(wait);
      logger.warn('Sleepers are started one after the other', { sleepers: sleepers.length, limit, namespaceLimit });
      fill();
    },
    close: () => {
      openedMs = undefined;
      for (const place of places.values()) place.leave();
      for (const one of [line, places, turns]) one.clear();
    },
    isTurn: (ref) => turns.has(resourceKey(ref)),
    look: (ref, state) => {
      if (openedMs === undefined || state === 'starting') return;
      if (state === 'asleep') {
        wait(ref);
        fill();
      } else {
        line.forget(ref);
        leave(resourceKey(ref));
      }
    },
    get waiting() {
      return line.length();
    },
  };
}

/** Who waits, in order of arrival within a namespace, and with a turn for each namespace in order. */
function createLine() {
  /** By namespace, the one whose turn it is first. */
  const waiting = new Map<string, Map<string, ResourceRef>>();
  const forget = (ref: ResourceRef): void => {
    const queue = waiting.get(ref.namespace);
    queue?.delete(resourceKey(ref));
    if (queue?.size === 0) waiting.delete(ref.namespace);
  };
  return {
    join: ({ namespace, name }: ResourceRef): void => {
      const queue = waiting.get(namespace) ?? new Map<string, ResourceRef>();
      queue.set(resourceKey({ namespace, name }), { namespace, name });
      waiting.set(namespace, queue);
    },
    forget,
    /** Takes the next one of a namespace that has room. */
    next: (hasRoom: (namespace: string) => boolean): ResourceRef | undefined => {
      for (const [namespace, queue] of waiting) {
        const [ref] = queue.values();
        if (ref === undefined || !hasRoom(namespace)) continue;
        // To the end of the line, so that every namespace is asked before this one is again.
        waiting.delete(namespace);
        waiting.set(namespace, queue);
        forget(ref);
        return ref;
      }
      return undefined;
    },
    isEmpty: (): boolean => waiting.size === 0,
    length: (): number => [...waiting.values()].reduce((sum, { size }) => sum + size, 0),
    clear: (): void => waiting.clear(),
  };
}
