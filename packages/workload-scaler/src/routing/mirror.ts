import { isIPv6 } from 'node:net';
import { isOurs, type SliceInfo } from './slices.ts';
import type { SliceFacts } from '../machine/facts.ts';
import type { Memory } from '../cache/memory.ts';

/** How soon a slice of ours has to be written again. */
export type MirrorUrgency =
  /** It says what it should. */
  | 'none'
  /** It lacks an address, or names one that drains: nothing is lost meanwhile, so changes may be gathered. */
  | 'soon'
  /** It names an address that is gone: connections get lost. */
  | 'now';

/** What is known of the DLX's addresses. */
export interface MirrorAddresses {
  /** Ready, and listening on the ports in question. */
  readonly listed: readonly string[];
  /** On their way out, still serving. */
  readonly draining: readonly string[];
}

/**
 * The addresses that slices which name `current` should name. A draining one is named only while there is no other of
 * its family; it goes on serving until no slice names it. Empty: there is no DLX at all.
 */
export function mirrorAddresses(current: readonly string[], { listed, draining }: MirrorAddresses): readonly string[] {
  const families = new Set(listed.map(isIPv6));
  return [...listed, ...current.filter((address) => draining.includes(address) && !families.has(isIPv6(address)))];
}

/** Those of some families, `IPv4` and `IPv6`. */
export function ofFamilies(addresses: readonly string[], families: readonly string[]): readonly string[] {
  return addresses.filter((address) => families.includes(isIPv6(address) ? 'IPv6' : 'IPv4'));
}

/** How soon a slice that names `current` has to be written. */
export function mirrorUrgency(current: readonly string[], addresses: MirrorAddresses): MirrorUrgency {
  const wanted = new Set(mirrorAddresses(current, addresses));
  const alive = new Set([...addresses.listed, ...addresses.draining]);
  if (current.some((address) => !alive.has(address))) return 'now';
  return current.length === wanted.size && current.every((address) => wanted.has(address)) ? 'none' : 'soon';
}

/** Address changes that lose nothing meanwhile are gathered until none came for so long and none is about to come, */
const quietMs = 1_000;
/** but no longer than this: the writes themselves take their time where there are thousands. */
const patienceMs = 3_000;

export interface MirrorFacts {
  /** `namespace/service`. */
  readonly key: string;
  /** Of the Service. */
  readonly all: readonly SliceInfo[];
  readonly slices: SliceFacts;
  readonly urgency: MirrorUrgency;
  /** Another DLX is about to come. */
  readonly starting: boolean;
  /** DLX addresses that listen for it. */
  readonly listed: readonly string[];
}

/** How much longer outdated slices wait for further changes. */
export interface MirrorDelay {
  /** Milliseconds; 0: they are due, or not outdated. */
  readonly leftMs: number;
  /** For `Memory.observe`. */
  readonly seen: readonly (readonly [key: string, value: string])[];
}

/** Pure. */
export function mirrorDelay(
  memory: Pick<Memory, 'age'>,
  { key, all, slices, urgency, starting, listed }: MirrorFacts,
): MirrorDelay {
  const versions = all.filter(isOurs).map(({ resourceVersion }) => resourceVersion);
  const owed = [`owed ${key}`, slices === 'outdated' ? versions.join() : ''] as const;
  if (slices !== 'outdated' || urgency !== 'soon') return { leftMs: 0, seen: [owed] };
  const standing = [`mirror ${key}`, [...listed].sort().join()] as const;
  const quietLeftMs = starting ? patienceMs : quietMs - memory.age(...standing);
  return { leftMs: Math.max(0, Math.min(quietLeftMs, patienceMs - memory.age(...owed))), seen: [owed, standing] };
}
