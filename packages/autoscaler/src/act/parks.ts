import { type ResourceRef, resourceKey } from '@scaler/scaler-types';
import type { Decision } from '../judge/decide.ts';
import type { ParkResult } from './park.ts';

export interface ParksParts {
  park: (resource: ResourceRef, reasons: readonly string[], signal: AbortSignal) => Promise<ParkResult>;
  /** Told of each end; undefined: aborted. */
  onEnd: (resource: ResourceRef, result: ParkResult | undefined) => void;
  onBegin: (resource: ResourceRef, reasons: readonly string[]) => void;
  /** Parks at once. */
  limit: number;
  /** Ends them all. */
  signal: AbortSignal;
}

/** The parks under way, and those that wait for their turn. */
export interface Parks {
  /** Replaces those that wait: a decision is good until the next tick. Begins as many as there is room for. */
  offer(decisions: readonly Decision[]): void;
  /** Resource keys. */
  readonly running: ReadonlySet<string>;
  /** Resolves when none is under way. */
  idle(): Promise<void>;
}

export function createParks({ park, onBegin, onEnd, limit, signal }: ParksParts): Parks {
  const running = new Map<string, Promise<void>>();
  let waiting: Decision[] = [];

  const begin = async ({ resource, reasons }: Decision): Promise<void> => {
    onBegin(resource, reasons);
    let result: ParkResult | undefined;
    try {
      result = await park(resource, reasons, signal);
    } catch (error) {
      if (!signal.aborted) result = { end: 'failed', why: `failed: ${(error as Error).message}`, terminal: false };
    }
    running.delete(resourceKey(resource));
    // A scaler may tell its abort as a failed result: that is no judgement about the resource either.
    onEnd(resource, signal.aborted && result?.end !== 'parked' ? undefined : result);
    fill();
  };
  const fill = (): void => {
    while (!signal.aborted && running.size < limit) {
      const next = waiting.shift();
      if (!next) return;
      const key = resourceKey(next.resource);
      // Entered before it runs: it may end at once.
      if (!running.has(key))
        running.set(
          key,
          Promise.resolve().then(() => begin(next)),
        );
    }
  };

  return {
    offer(decisions) {
      waiting = decisions.filter(({ action }) => action === 'park');
      fill();
    },
    get running() {
      return new Set(running.keys());
    },
    async idle() {
      while (running.size > 0) await Promise.all(running.values());
    },
  };
}
