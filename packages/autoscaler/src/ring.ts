import { type ResourceRef, resourceKey } from '@scaler/scaler-types';

/** One entry of a resource's history. */
export interface RingEntry {
  /** `stay`, `park` and `would-park` (but for a dry run) were decided; the others are how a park ended. */
  what: 'stay' | 'park' | 'would-park' | 'parked' | 'cancelled' | 'refused' | 'failed' | 'aborted';
  reasons: readonly string[];
  /** ISO 8601, of the first and of the last tick in a row that came to it. */
  firstAt: string;
  lastAt: string;
  /** How many ticks in a row. `reasons` are the last one's. */
  times: number;
}

/** The last decisions of each resource, and how its parks ended. Bounded per resource. */
export interface Ring {
  add(resource: ResourceRef, entry: Pick<RingEntry, 'what' | 'reasons'>, atMs: number): void;
  /** Newest first. */
  of(resource: ResourceRef): readonly RingEntry[];
  /** Forgets resources that are not among these. */
  keepOnly(resources: readonly ResourceRef[]): void;
}

/** @param size entries kept per resource; entries that differ in numbers alone count as one. */
export function createRing(size = 32): Ring {
  const rings = new Map<string, RingEntry[]>();
  return {
    add(resource, { what, reasons }, atMs) {
      const key = resourceKey(resource);
      const entries = rings.get(key) ?? [];
      rings.set(key, entries);
      const at = new Date(atMs).toISOString();
      const last = entries[0];
      if (last && last.what === what && sameWords(last.reasons, reasons)) {
        entries[0] = { ...last, reasons, lastAt: at, times: last.times + 1 };
        return;
      }
      entries.unshift({ what, reasons, firstAt: at, lastAt: at, times: 1 });
      entries.length = Math.min(entries.length, size);
    },
    of: (resource) => rings.get(resourceKey(resource)) ?? [],
    keepOnly(resources) {
      const keys = new Set(resources.map(resourceKey));
      for (const key of rings.keys()) if (!keys.has(key)) rings.delete(key);
    },
  };
}

/** A value that changes at each tick must not push the decision before it out of the ring. */
function sameWords(a: readonly string[], b: readonly string[]): boolean {
  const isSame = a.length === b.length && a.every((reason, i) => reason === b[i]);
  return isSame || withoutNumbers(a) === withoutNumbers(b);
}

function withoutNumbers(reasons: readonly string[]): string {
  return reasons.join('\n').replaceAll(/\d+(?:\.\d+)?/g, '#');
}
