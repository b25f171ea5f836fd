import type { Clock, EndpointListener } from '@scaler/scaler-types';
import { shown } from './complaints.ts';
import { readEndpoints } from './told-values.ts';

/** Of one target within a second; of more the last is taken when the second is over. */
const perSecond = 20;
const secondMs = 1000;

export interface EndpointGuardParts {
  readonly listener: EndpointListener;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly tell: (problem: string) => void;
}

/** What a scaler's `watchEndpoints` tells of one target, as it is passed on. */
export function guardEndpoints({ listener, signal, clock, tell }: EndpointGuardParts): (told: unknown) => void {
  let sinceMs = clock.monotonic();
  let count = 0;
  let late: { readonly told: unknown } | undefined;
  let cancel: (() => void) | undefined;

  const take = (told: unknown): void => {
    late = undefined;
    if (signal.aborted) return;
    try {
      listener(readEndpoints(told, tell));
    } catch (error) {
      tell(`told endpoints that cannot be taken: ${shown((error as Error | undefined)?.message)}`);
    }
  };
  const postpone = (): void => {
    if (cancel !== undefined) return;
    cancel = clock.after(secondMs, () => {
      cancel = undefined;
      if (late !== undefined) take(late.told);
    });
  };
  signal.addEventListener('abort', () => cancel?.(), { once: true });

  return (told) => {
    if (signal.aborted) return;
    const nowMs = clock.monotonic();
    if (nowMs - sinceMs >= secondMs) {
      sinceMs = nowMs;
      count = 0;
    }
    count += 1;
    if (count <= perSecond) {
      take(told);
      return;
    }
    if (count === perSecond + 1)
      tell(`told ${perSecond} changes of one target within a second, of more the last is taken`);
    late = { told };
    postpone();
  };
}
