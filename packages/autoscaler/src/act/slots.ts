import type { CancelTimer, Clock } from '@scaler/scaler-types';

/** Work that takes longer gives its place to the next, since it mostly waits. */
const placeForMs = 60_000;
/** So many times the limit may still be under way without a place; namespaces share these as they share the places. */
const lingering = 64;

/**
 * The places for work under way at once. No namespace may take more places than are still free, so one namespace alone gets
 * half of all, two get a third each, and a further namespace always finds a place.
 *
 * @param onFree called when work gives up its place and goes on without one.
 */
export function createSlots(limit: number, clock: Clock, onFree: () => void) {
  const slots = createShares(limit);
  const rest = createShares(limit * lingering);
  return {
    /** Whether no namespace can have a place. */
    get full(): boolean {
      return slots.free < 1;
    },
    /** Takes a place, and returns what gives it back, once; undefined: there is none for that namespace now. */
    take(namespace: string): (() => void) | undefined {
      // Work that goes on without a place is bounded too: a new one begins only if it may linger later.
      if (!slots.hasRoom(namespace) || !rest.hasRoom(namespace)) return undefined;
      slots.add(namespace, 1);
      let held: typeof slots | undefined = slots;
      const cancel: CancelTimer = clock.after(placeForMs, () => {
        slots.add(namespace, -1);
        rest.add(namespace, 1);
        held = rest;
        onFree();
      });
      return () => {
        cancel();
        held?.add(namespace, -1);
        held = undefined;
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
