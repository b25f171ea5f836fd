import type { Timeline } from '../sim/timeline.ts';
import { isLeftAlone, isUnwakeable, type OwnerIntent } from './owner-intent.ts';

/** When a resource last had an intent of its owner; `-Infinity`: never. An intent in force gives the present. */
export function createIntentHistory(timeline: Timeline) {
  const now = new Map<string, OwnerIntent | undefined>();
  const leftAlone = new Map<string, number>();
  const unwakeable = new Map<string, number>();
  const lastMs = (key: string, is: (intent: OwnerIntent) => boolean, past: ReadonlyMap<string, number>): number => {
    const intent = now.get(key);
    return intent !== undefined && is(intent) ? timeline.ms : (past.get(key) ?? -Infinity);
  };
  const leftAloneMs = (key: string): number => lastMs(key, isLeftAlone, leftAlone);
  const unwakeableMs = (key: string): number => lastMs(key, isUnwakeable, unwakeable);
  return {
    /** The owner's intent from now on; undefined: the resource is gone. */
    changed: (key: string, intent: OwnerIntent | undefined): void => {
      leftAlone.set(key, leftAloneMs(key));
      unwakeable.set(key, unwakeableMs(key));
      now.set(key, intent);
    },
    leftAloneMs,
    unwakeableMs,
  };
}
