import type { Clock } from '@scaler/scaler-types';

/** One moment on both clocks: `monotonicMs` measures durations, `wallMs` is for times that are written down. */
export interface Instant {
  wallMs: number;
  monotonicMs: number;
}

export function instantOf(clock: Clock): Instant {
  return { wallMs: clock.now(), monotonicMs: clock.monotonic() };
}

/** `2026-01-31T23:59:59Z`; whole seconds, so that the same moment reads the same in every tick. */
export function wallText(wallMs: number): string {
  if (!Number.isFinite(wallMs) || Math.abs(wallMs) > 8.64e15) return 'an unknown time';
  return `${new Date(wallMs).toISOString().slice(0, 19)}Z`;
}
