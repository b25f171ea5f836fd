import { ScalerError } from '../errors.ts';
import { shown } from '../shown.ts';

const unitMs = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;
const units = Object.entries(unitMs);
const pattern = /^(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?$/;

/** The longest useful text has four units of 14 digits. */
export const longestDuration = 64;

/**
 * Milliseconds of a duration such as `90s`, `5m`, `1h30m`, `1.5s`, `250ms` or `0`. Units go from large to small, each at most once.
 * At most {@link longestDuration} characters, and no more milliseconds than are a safe integer.
 *
 * @throws ScalerError `invalid-duration` that names the text and what is allowed.
 */
export function parseDuration(text: string): number {
  const ms = parseAnyDuration(text);
  if (Number.isSafeInteger(ms)) return ms;
  throw new ScalerError('invalid-duration', `${shown(text)} is too long: the longest is ${Number.MAX_SAFE_INTEGER}ms`);
}

/**
 * As {@link parseDuration}, but also for durations beyond a safe integer, where the caller cuts them to a maximum.
 *
 * @throws ScalerError `invalid-duration` that names the text and what is allowed.
 */
export function parseAnyDuration(text: string): number {
  if (text === '0') return 0;
  const match = text === '' || text.length > longestDuration ? null : pattern.exec(text);
  if (!match) {
    const longer = text.length > longestDuration ? `, in at most ${longestDuration} characters` : '';
    const reason = `is not a duration: write it as 90s, 5m, 1h30m or 250ms${longer}`;
    throw new ScalerError('invalid-duration', `${shown(text)} ${reason}`);
  }
  const [, h = '0', m = '0', s = '0', ms = '0'] = match;
  return Math.round(Number(h) * unitMs.h + Number(m) * unitMs.m + Number(s) * unitMs.s + Number(ms));
}

/** The shortest exact text of a duration in milliseconds: `1h30m`, `90s` as `1m30s`, `0` as `0s`. */
export function formatDuration(ms: number): string {
  let rest = Math.max(0, Math.round(ms));
  let text = '';
  for (const [unit, size] of units) {
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text === '' ? '0s' : text;
}

/** The single-unit text used in metric names, `90s`, `5m`, `1h`: the largest unit that divides the duration exactly. */
export function formatMetricWindow(ms: number): string {
  for (const [unit, size] of units) {
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${ms}ms`;
}
