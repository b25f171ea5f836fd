import type { KubeObject } from '@scaler/testing-kit/kubernetes';

/** What a workload's owner wants of it, as its annotations say. */
export interface Wishes {
  readonly pause: 'awake' | 'asleep' | 'as-is' | undefined;
  /** On the wall clock; `Infinity`: without an end. */
  readonly pauseUntilMs: number;
  /** On the wall clock; `-Infinity`: no lease. */
  readonly busyUntilMs: number;
  readonly dryRun: boolean;
}

/** Annotations written by the steps and by the product itself, so they are right. */
export function wishesOf({ metadata: { annotations = {} } }: KubeObject): Wishes {
  const [pause, , until] = (annotations['scaler/pause'] ?? '').split(' ');
  const busyUntil = annotations['scaler/busy-until'];
  return {
    pause: pause === '' ? undefined : (pause as Wishes['pause']),
    pauseUntilMs: until === undefined ? Infinity : Date.parse(until),
    busyUntilMs: busyUntil === undefined ? -Infinity : Date.parse(busyUntil),
    dryRun: annotations['scaler/dry-run'] === 'true',
  };
}

/** Why no process may put it to sleep whose clock says `wallMs`, in words. */
export function barOf({ pause, pauseUntilMs, busyUntilMs, dryRun }: Wishes, wallMs: number): string | undefined {
  if (pause !== undefined && pause !== 'asleep' && wallMs < pauseUntilMs) return `it was paused ${pause}`;
  if (wallMs < busyUntilMs) return 'somebody had a busy lease on it';
  return dryRun ? 'it was in a dry run' : undefined;
}

/** Whether nothing is begun of it, whatever it is in. */
export function isLeftAlone({ pause, dryRun }: Wishes): boolean {
  return dryRun || pause === 'as-is';
}

/** Whether a request may get to hear that nothing wakes it. */
export function isUnwakeable({ pause }: Wishes): boolean {
  return pause === 'as-is' || pause === 'asleep';
}
