import type { Clock, EndpointListener } from '@scaler/scaler-types';
import { shown } from './problem-log.ts';
import { readEndpoints } from './read-values.ts';

/** Changes of one target within a second; of more, the last is taken when the second is over. */
const perSecond = 20;
const secondMs = 1000;

export interface EndpointGuardParts {
  readonly listener: EndpointListener;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly onProblem: (problem: string) => void;
}

/** Passes on the endpoints that a scaler's `watchEndpoints` sends for one target: read, and at a bounded rate. */
export function guardEndpoints({ listener, signal, clock, onProblem }: EndpointGuardParts): (raw: unknown) => void {
  let sinceMs = clock.monotonic();
  let count = 0;
  let late: { readonly raw: unknown } | undefined;
  let cancel: (() => void) | undefined;

  const take = (raw: unknown): void => {
    late = undefined;
    if (signal.aborted) return;
    try {
      listener(readEndpoints(raw, onProblem));
    } catch (error) {
      onProblem(`sent endpoints that cannot be taken: ${shown((error as Error | undefined)?.message)}`);
    }
  };
  const postpone = (): void => {
    if (cancel !== undefined) return;
    cancel = clock.after(secondMs, () => {
      cancel = undefined;
      if (late !== undefined) take(late.raw);
    });
  };
  signal.addEventListener('abort', () => cancel?.(), { once: true });

  return (raw) => {
    if (signal.aborted) return;
    const nowMs = clock.monotonic();
    if (nowMs - sinceMs >= secondMs) {
      sinceMs = nowMs;
      count = 0;
    }
    count += 1;
    if (count <= perSecond) {
      take(raw);
      return;
    }
    if (count === perSecond + 1)
      onProblem(`sent ${perSecond} changes of one target within a second, of more, the last is taken`);
    late = { raw };
    postpone();
  };
}
