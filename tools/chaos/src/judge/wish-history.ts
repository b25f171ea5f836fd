import type { Timeline } from '../sim/timeline.ts';
import { isLeftAlone, isUnwakeable, type Wishes } from './wishes.ts';

/** When a resource last was as its owner wanted it; `-Infinity`: never. It is so up to now, if it still is. */
export interface WishHistory {
  /** Its owner wants this from now on; undefined: it is gone. */
  changed(key: string, wishes: Wishes | undefined): void;
  leftAloneMs(key: string): number;
  unwakeableMs(key: string): number;
}

export function createWishHistory(timeline: Timeline): WishHistory {
  const now = new Map<string, Wishes | undefined>();
  const leftAlone = new Map<string, number>();
  const unwakeable = new Map<string, number>();
  const lastMs = (key: string, is: (wishes: Wishes) => boolean, past: ReadonlyMap<string, number>): number => {
    const wishes = now.get(key);
    return wishes !== undefined && is(wishes) ? timeline.ms : (past.get(key) ?? -Infinity);
  };
  const leftAloneMs = (key: string): number => lastMs(key, isLeftAlone, leftAlone);
  const unwakeableMs = (key: string): number => lastMs(key, isUnwakeable, unwakeable);
  return {
    changed: (key, wishes) => {
      leftAlone.set(key, leftAloneMs(key));
      unwakeable.set(key, unwakeableMs(key));
      now.set(key, wishes);
    },
    leftAloneMs,
    unwakeableMs,
  };
}
