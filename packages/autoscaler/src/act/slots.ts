import type { CancelTimer, Clock } from '@scaler/scaler-types';

/** One that takes longer than this leaves its place to the next: what it still does is mostly to wait. */
const placeForMs = 60_000;
/** So many times as many may still be under way without a place, each namespace's share of them again. */
const lingering = 64;

/** A place among what is under way: a park, a reconcile. */
export interface Slot {
  /** It has ended. Harmless when it has before. */
  leave(): void;
}

/**
 * The places of what may be under way at once. No namespace takes more than is still free, so one alone gets half of all, two a third each, and
 * whoever comes finds room.
 */
export interface Slots {
  /** Undefined: there is no place for that namespace now. */
  take(namespace: string): Slot | undefined;
  /** Whether there is a place for anybody. */
  readonly full: boolean;
}

/** `onFree` is called when one gives up its place and goes on without. */
export function createSlots(limit: number, clock: Clock, onFree: () => void): Slots {
  const slots = createShares(limit);
  const rest = createShares(limit * lingering);
  return {
    get full() {
      return slots.free < 1;
    },
    take(namespace) {
      // Those that linger take the place of what may linger next.
      if (!slots.hasRoom(namespace) || !rest.hasRoom(namespace)) return undefined;
      slots.add(namespace, 1);
      let held: typeof slots | undefined = slots;
      const cancel: CancelTimer = clock.after(placeForMs, () => {
        slots.add(namespace, -1);
        rest.add(namespace, 1);
        held = rest;
        onFree();
      });
      return {
        leave() {
          cancel();
          held?.add(namespace, -1);
          held = undefined;
        },
      };
    },
  };
}

function createShares(limit: number) {
  const taken = new Map<string, number>();
  let free = limit;
  return {
    get free() {
      return free;
    },
    hasRoom: (namespace: string): boolean => (taken.get(namespace) ?? 0) < free,
    add(namespace: string, by: 1 | -1): void {
      free -= by;
      const own = (taken.get(namespace) ?? 0) + by;
      if (own === 0) taken.delete(namespace);
      else taken.set(namespace, own);
    },
  };
}
