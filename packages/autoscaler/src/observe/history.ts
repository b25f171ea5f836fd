import { type ResourceRef, resourceKey } from '@scaler/scaler-types';
import { keyOf } from './key-of.ts';

/** One entry of a resource's history. */
export interface RingEntry {
  /** `stay`, `park` and `would-park` (a dry run) are decisions; the others are ends of a park. */
  what: 'stay' | 'park' | 'would-park' | 'parked' | 'cancelled' | 'refused' | 'failed' | 'aborted';
  reasons: readonly string[];
  /** ISO 8601, of the first and of the last tick in a row with this decision. */
  firstAt: string;
  lastAt: string;
  /** The number of ticks in a row. `reasons` are those of the last one. */
  times: number;
}

/** An entry as it is kept: times become texts when it is read. */
interface Kept extends Pick<RingEntry, 'what' | 'reasons' | 'times'> {
  firstMs: number;
  lastMs: number;
}

/**
 * Characters that the reasons of one resource's entries may have: they quote its metrics and annotations, which its owner
 * writes. A thousand resources with as many take 16 MB.
 */
const mostCharacters = 16_384;

export type Ring = ReturnType<typeof createRing>;

/**
 * The last decisions of each resource, and how its parks ended. Bounded per resource.
 *
 * @param size entries kept per resource; entries that differ in numbers alone count as one.
 */
export function createRing(size = 32) {
  const rings = new Map<string, Kept[]>();
  return {
    add(resource: ResourceRef, { what, reasons }: Pick<RingEntry, 'what' | 'reasons'>, atMs: number): void {
      const key = resourceKey(resource);
      const entries = rings.get(key) ?? [];
      rings.set(key, entries);
      const [last] = entries;
      if (last?.what === what && areEqual(last.reasons, reasons)) {
        // In place, and with the same texts: nearly every tick comes here, for each of a thousand resources.
        last.lastMs = atMs;
        last.times += 1;
      } else if (last?.what === what && withoutNumbers(last.reasons) === withoutNumbers(reasons)) {
        entries[0] = { ...last, reasons, lastMs: atMs, times: last.times + 1 };
        dropOldest(entries);
      } else {
        entries.unshift({ what, reasons, firstMs: atMs, lastMs: atMs, times: 1 });
        entries.length = Math.min(entries.length, size);
        dropOldest(entries);
      }
    },
    /** Newest first. */
    of: (resource: ResourceRef): readonly RingEntry[] => (rings.get(resourceKey(resource)) ?? []).map(entryOf),
    /** Forgets resources that are not among these. */
    keepOnly(resources: readonly ResourceRef[]): void {
      const keys = new Set(resources.map(keyOf));
      for (const key of rings.keys()) if (!keys.has(key)) rings.delete(key);
    },
  };
}

/** Drops the oldest entries beyond the bound; the newest stays, however long it is. */
function dropOldest(entries: Kept[]): void {
  let characters = 0;
  for (const [i, { reasons }] of entries.entries()) {
    for (const { length } of reasons) characters += length;
    if (characters <= mostCharacters || i === 0) continue;
    entries.length = i;
    return;
  }
}

function entryOf({ what, reasons, firstMs, lastMs, times }: Kept): RingEntry {
  return { what, reasons, firstAt: new Date(firstMs).toISOString(), lastAt: new Date(lastMs).toISOString(), times };
}

function areEqual(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((reason, i) => reason === b[i]);
}

/** A value that changes at each tick must not push the decision before it out of the ring. */
function withoutNumbers(reasons: readonly string[]): string {
  return reasons.join('\n').replaceAll(/\d+(?:\.\d+)?/g, '#');
}
