import { type Clock, type ResourceRef, resourceKey } from '@scaler/scaler-types';
import type { Decision } from '../decide/decide.ts';
import { createSlots } from './slots.ts';
import type { ParkResult } from './park.ts';

export interface ParksParts {
  park: (resource: ResourceRef, reasons: readonly string[], signal: AbortSignal) => Promise<ParkResult>;
  /** Called at the end of each park; undefined: it was aborted. */
  onEnd: (resource: ResourceRef, result: ParkResult | undefined) => void;
  onBegin: (resource: ResourceRef, reasons: readonly string[]) => void;
  /** Parks at once, over all namespaces. */
  limit: number;
  clock: Clock;
  /** Ends all parks. */
  signal: AbortSignal;
}

export type Parks = ReturnType<typeof createParks>;

/** The parks under way, and those that wait for their turn. */
export function createParks({ park, onBegin, onEnd, limit, clock, signal }: ParksParts) {
  const slots = createSlots(limit, clock, () => fill());
  const running = new Map<string, Promise<void>>();
  let waiting: Decision[] = [];

  const begin = async ({ resource, reasons }: Decision, leave: () => void): Promise<void> => {
    onBegin(resource, reasons);
    let result: ParkResult | undefined;
    try {
      result = await park(resource, reasons, signal);
    } catch (error) {
      if (!signal.aborted) result = { end: 'failed', reason: `failed: ${(error as Error).message}`, terminal: false };
    }
    running.delete(resourceKey(resource));
    leave();
    // A scaler may report its abort as a failed result: that says nothing about the resource either.
    onEnd(resource, signal.aborted && result?.end !== 'parked' ? undefined : result);
    fill();
  };
  const fill = (): void => {
    // Parks of a namespace that has its share wait, and do not hold up those of other namespaces.
    const left: Decision[] = [];
    for (const next of waiting) {
      const key = resourceKey(next.resource);
      if (running.has(key)) continue;
      const leave = signal.aborted || slots.full ? undefined : slots.take(next.resource.namespace);
      if (leave === undefined) left.push(next);
      // Entered before it runs: it may end at once.
      else
        running.set(
          key,
          Promise.resolve().then(() => begin(next, leave)),
        );
    }
    waiting = left;
  };

  return {
    /** Replaces the parks that wait, since a decision is good until the next tick. Begins as many as there is room for. */
    offer(decisions: readonly Decision[]): void {
      waiting = decisions.filter(({ action }) => action === 'park');
      fill();
    },
    /** The resource keys of the parks under way. */
    get running(): ReadonlySet<string> {
      return new Set(running.keys());
    },
    /** Resolves when no park is under way. */
    async idle(): Promise<void> {
      while (running.size > 0) await Promise.all(running.values());
    },
  };
}
