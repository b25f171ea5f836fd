import type { Figure } from './scenario.ts';
import { median } from './statistics.ts';

export type Bounds = Pick<Figure, 'atLeast' | 'atMost' | 'quickAtLeast' | 'quickAtMost'>;

/** The median of the rounds, with their range. */
export function figureOf(name: string, unit: string, samples: readonly number[], bounds: Bounds = {}): Figure {
  return { name, unit, value: median(samples), min: Math.min(...samples), max: Math.max(...samples), ...bounds };
}

/** A count that must be 0, in a quick run too. */
export function none(name: string, value: number): Figure {
  return { name, value, unit: '', atMost: 0, quickAtMost: 0 };
}

/** A count that must have exactly this value, in a quick run too. */
export function exactly(name: string, value: number, wanted: number): Figure {
  return { name, value, unit: '', atLeast: wanted, atMost: wanted, quickAtLeast: wanted, quickAtMost: wanted };
}

/** The bounds that hold in a full or a quick run. */
export function boundsOf(figure: Figure, quick: boolean): { atLeast?: number; atMost?: number } {
  const [atLeast, atMost] = quick ? [figure.quickAtLeast, figure.quickAtMost] : [figure.atLeast, figure.atMost];
  return { ...(atLeast !== undefined && { atLeast }), ...(atMost !== undefined && { atMost }) };
}

export function isBounded(figure: Figure, quick: boolean): boolean {
  return Object.keys(boundsOf(figure, quick)).length > 0;
}

/**
 * Whether the median is within the bounds; in a quick run, whether any round is. The few rounds of a quick run share the
 * machine with others, which shift their median by a tenth: a gate fails when every round misses. NaN is not
 * within any bound.
 */
export function isWithin(figure: Figure, quick: boolean): boolean {
  const { value, min, max } = figure;
  const { atLeast, atMost } = boundsOf(figure, quick);
  const [lowest, highest] = quick ? [min ?? value, max ?? value] : [value, value];
  if (atLeast !== undefined && !(highest >= atLeast)) return false;
  return atMost === undefined || lowest <= atMost;
}

/** `≥ 2.0 ×`, `0.5 – 3 ms`, or nothing. */
export function boundText(figure: Figure, quick: boolean): string {
  const { atLeast, atMost } = boundsOf(figure, quick);
  const unit = figure.unit === '' ? '' : ` ${figure.unit}`;
  if (atLeast !== undefined && atLeast === atMost) return `${atLeast}${unit}`;
  if (atLeast !== undefined && atMost !== undefined) return `${atLeast} – ${atMost}${unit}`;
  if (atLeast !== undefined) return `≥ ${atLeast}${unit}`;
  return atMost === undefined ? '' : atMost === 0 ? '0' : `≤ ${atMost}${unit}`;
}

export function valueText({ value, unit }: Figure): string {
  return unit === '' ? numberText(value) : `${numberText(value)} ${unit}`;
}

export function rangeText({ min, max }: Figure): string {
  return min === undefined || max === undefined ? '' : `${numberText(min)} – ${numberText(max)}`;
}

/** Three digits are enough for anything that the bench measures. */
function numberText(value: number): string {
  if (!Number.isFinite(value)) return 'no number';
  const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
