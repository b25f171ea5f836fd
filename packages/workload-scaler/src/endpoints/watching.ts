import type { Endpoints } from './endpoints.ts';
import { resourceKey, type ResourceRef, type Target } from '@scaler/scaler-types';

/** Watches the endpoints of those few resources that are being woken or handed back. */
export type Watching = ReturnType<typeof createWatching>;

/**
 * So many targets of one resource are watched: where its pods have no readinessProbe each is connected to every 50 ms.
 * Whether one with more of them is usable, its count of ready pods tells too.
 */
export const mostWatched = 64;

interface Watched {
  readonly what: string;
  readonly stop: AbortController;
  /** Of targets, by Service and port. */
  readonly usable: Set<string>;
}

/** `onUsable` is called when a resource that had no usable endpoint gets one. */
export function createWatching(endpoints: Endpoints, onUsable: (ref: ResourceRef) => void) {
  const watched = new Map<string, Watched>();

  function begin(ref: ResourceRef, targets: readonly Target[]): boolean {
    const some = targets.slice(0, mostWatched);
    const what = JSON.stringify(some);
    const known = watched.get(resourceKey(ref));
    if (known?.what === what) return false;
    known?.stop.abort();
    const one: Watched = { what, stop: new AbortController(), usable: new Set() };
    watched.set(resourceKey(ref), one);
    for (const target of some) {
      const id = `${target.service}:${target.port}`;
      const listener = ({ length }: readonly unknown[]): void => {
        const before = one.usable.size > 0;
        if (length > 0) one.usable.add(id);
        else one.usable.delete(id);
        if (!before && length > 0) onUsable(ref);
      };
      endpoints.watch(target, listener, one.stop.signal);
    }
    return true;
  }

  const drop = (ref: ResourceRef): void => {
    watched.get(resourceKey(ref))?.stop.abort();
    watched.delete(resourceKey(ref));
  };

  return {
    /** Whether any watched target has a usable endpoint; false until it is known. */
    usable: (ref: ResourceRef): boolean => (watched.get(resourceKey(ref))?.usable.size ?? 0) > 0,
    /** Watches these targets of the resource from now on. False: it did so already. */
    begin,
    /** Stops watching; harmless where nothing was watched. */
    drop,
    close: (): void => {
      for (const { stop } of watched.values()) stop.abort();
      watched.clear();
    },
  };
}
