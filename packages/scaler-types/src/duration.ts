import { ScalerError } from './errors.ts';

const unitMs = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;
const units = Object.entries(unitMs);
const pattern = /^(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?$/;

/**
 * Milliseconds of a duration such as `90s`, `5m`, `1h30m`, `1.5s`, `250ms` or `0`. Units go from large to small, each at most once.
 *
 * @throws ScalerError `invalid-duration` that names the text and what is allowed.
 */
export function parseDuration(text: string): number {
  if (text === '0') return 0;
  const match = text === '' ? null : pattern.exec(text);
  if (!match) {
    throw new ScalerError('invalid-duration', `"${text}" is not a duration: write it as 90s, 5m, 1h30m or 250ms`);
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
