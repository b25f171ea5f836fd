import type { KubeObject } from '@scaler/testing-kit/kubernetes';

/** The owner's intent for a workload, as its annotations say. */
export interface OwnerIntent {
  readonly pause: 'awake' | 'asleep' | 'as-is' | undefined;
  /** On the wall clock; `Infinity`: without an end. */
  readonly pauseUntilMs: number;
  /** On the wall clock; `-Infinity`: no lease. */
  readonly busyUntilMs: number;
  readonly dryRun: boolean;
}

/** Reads the annotations without validation: the steps and the product itself have written them. */
export function ownerIntentOf({ metadata: { annotations = {} } }: KubeObject): OwnerIntent {
  const [pause, , until] = (annotations['scaler/pause'] ?? '').split(' ');
  const busyUntil = annotations['scaler/busy-until'];
  return {
    pause: pause === '' ? undefined : (pause as OwnerIntent['pause']),
    pauseUntilMs: until === undefined ? Infinity : Date.parse(until),
    busyUntilMs: busyUntil === undefined ? -Infinity : Date.parse(busyUntil),
    dryRun: annotations['scaler/dry-run'] === 'true',
  };
}

/** The reason why a process whose clock says `wallMs` may not put the resource to sleep. */
export function parkBlockerOf(
  { pause, pauseUntilMs, busyUntilMs, dryRun }: OwnerIntent,
  wallMs: number,
): string | undefined {
  if (pause !== undefined && pause !== 'asleep' && wallMs < pauseUntilMs) return `it was paused ${pause}`;
  if (wallMs < busyUntilMs) return 'it had a busy lease';
  return dryRun ? 'it was in a dry run' : undefined;
}

/** Whether the product begins nothing for it, whatever phase it is in. */
export function isLeftAlone({ pause, dryRun }: OwnerIntent): boolean {
  return dryRun || pause === 'as-is';
}

/** Whether a request may be refused because no request wakes the resource. */
export function isUnwakeable({ pause }: OwnerIntent): boolean {
  return pause === 'as-is' || pause === 'asleep';
}
