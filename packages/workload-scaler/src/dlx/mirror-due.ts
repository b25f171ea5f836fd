import { isOurs } from '../routing/routing.ts';
import type { MirrorUrgency } from '../routing/mirror.ts';
import type { SliceInfo } from '../routing/slice-info.ts';
import type { ResourceRef } from '@scaler/scaler-types';
import type { SliceFacts } from '../machine/facts.ts';
import type { Dependencies } from '../dependencies.ts';

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

/** False while outdated slices may wait for further changes; has the resource looked at again when they may not. */
export function isMirrorDue(
  { memory, lookAgain }: Pick<Dependencies, 'memory' | 'lookAgain'>,
  ref: ResourceRef,
  { key, all, slices, urgency, starting, listed }: MirrorFacts,
): boolean {
  const versions = all.filter(isOurs).map(({ resourceVersion }) => resourceVersion);
  const owedMs = memory.observe(`owed ${key}`, slices === 'outdated' ? versions.join() : '');
  if (slices !== 'outdated' || urgency !== 'soon') return true;
  const standingMs = memory.observe(`mirror ${key}`, [...listed].sort().join());
  const leftMs = Math.min(starting ? patienceMs : quietMs - standingMs, patienceMs - owedMs);
  if (leftMs > 0) lookAgain(ref, leftMs);
  return leftMs <= 0;
}
