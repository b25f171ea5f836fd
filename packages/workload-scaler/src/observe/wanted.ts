import type { Target } from '@scaler/scaler-types';
import type { Dependencies } from '../dependencies.ts';
import type { Snapshot } from '../cache/snapshot.ts';

/** What observing asks of its caller: it writes nothing, sets no timer and begins no watch itself. */
export interface Wanted {
  /** Milliseconds until the facts may be others although nothing in the stores changes; Infinity: never. */
  againMs: number;
  /** What was seen, for the ages that {@link Dependencies.memory} keeps. */
  readonly seen: (readonly [key: string, value: string])[];
  /** Keys of ours, seen on Services. */
  readonly keys: (readonly [serviceUid: string, key: string])[];
  /** Targets whose endpoints are to be watched. */
  watch: readonly Target[];
  /** Ports of the DLX on which not every ready address is known to listen. */
  readonly listen: Set<number>;
}

export function nothingWanted(): Wanted {
  return { againMs: Infinity, seen: [], keys: [], watch: [], listen: new Set() };
}

type Keepers = Pick<Dependencies, 'memory' | 'lateKeys' | 'watching' | 'dlx' | 'enqueue'>;

/** Does what observing asked for. True: a watch was begun, which knows something at once, so observing again may tell more. */
export function provide(
  { memory, lateKeys, watching, dlx, enqueue }: Keepers,
  { ref }: Pick<Snapshot, 'ref'>,
  wanted: Wanted,
): boolean {
  for (const [key, value] of wanted.seen) memory.observe(key, value);
  for (const [serviceUid, key] of wanted.keys) lateKeys.seen(serviceUid, key);
  dlx?.findListening([...wanted.listen]);
  if (wanted.againMs < Infinity) enqueue(ref, wanted.againMs);
  return wanted.watch.length > 0 && watching.begin(ref, wanted.watch);
}
