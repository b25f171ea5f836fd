import { isOurs } from '../routing/routing.ts';
import type { MirrorUrgency } from '../routing/mirror.ts';
import type { SliceInfo } from '../routing/slice-info.ts';
import type { SliceFacts } from '../machine/facts.ts';
import type { Memory } from '../cache/memory.ts';

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
