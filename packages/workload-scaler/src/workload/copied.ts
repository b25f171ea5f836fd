import { keys } from './keys.ts';
import type { Workload } from './workload.ts';

const known = new WeakMap<object, boolean>();

/**
 * Whether what stands on it was written for another object: it was made from a manifest with its labels, or brought back
 * from a backup. Only what names another uid tells that; where the state is missing or not to be read, nothing does.
 */
export function isCopied(workload: Pick<Workload, 'uid' | 'annotations'>): boolean {
  const text = workload.annotations[keys.state];
  if (text === undefined) return false;
  // Asked for each port of each Service, and the text is as long as its owner likes.
  const before = known.get(workload);
  if (before !== undefined) return before;
  const uid = uidIn(text);
  const copied = uid !== undefined && uid !== workload.uid;
  known.set(workload, copied);
  return copied;
}

function uidIn(text: string): string | undefined {
  try {
    const state = JSON.parse(text) as { uid?: unknown } | null;
    return typeof state?.uid === 'string' ? state.uid : undefined;
  } catch {
    return undefined;
  }
}
