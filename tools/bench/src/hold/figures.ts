import type { Figure } from '../scenario.ts';

/** A count that must have exactly this value, in a quick run too. */
export function exactly(name: string, value: number, wanted: number): Figure {
  return { name, value, unit: '', atLeast: wanted, atMost: wanted, quickAtLeast: wanted, quickAtMost: wanted };
}
