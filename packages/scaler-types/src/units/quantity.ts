import { ScalerError } from '../errors.ts';
import { shown } from '../shown.ts';

const pattern = /^([+-]?)(\d+(?:\.\d*)?|\.\d+)(?:(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E)|[eE]([+-]?\d{1,3}))?$/;
const plain = /^\d{1,15}$/;
const binary: Readonly<Record<string, bigint>> = { Ki: 1n, Mi: 2n, Gi: 3n, Ti: 4n, Pi: 5n, Ei: 6n };
const decimal: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };

/**
 * Kubernetes itself writes no more than 20 digits. The time that exact numbers take grows with the square of their digits:
 * 240,000 stop an event loop for 10 seconds.
 */
export const longestQuantity = 64;

/** An exact Kubernetes quantity: `numerator / 10^scale`. */
export interface Quantity {
  readonly numerator: bigint;
  readonly scale: number;
}

/**
 * Parses a Kubernetes quantity: `100m`, `2k`, `1Ki`, `1e3`, `0.5`. Exact; `100m` is 0.1, never 100.
 * No longer than {@link longestQuantity}, and no larger than a number can be.
 *
 * @throws ScalerError `invalid-quantity` that names the text.
 */
export function parseQuantity(text: string): Quantity {
  // Nearly all are plain: a thousand workloads have thousands of them at each tick.
  if (plain.test(text)) return { numerator: BigInt(text), scale: 0 };
  const match = text.length > longestQuantity ? null : pattern.exec(text);
  if (!match) {
    const longer = text.length > longestQuantity ? `, in at most ${longestQuantity} characters` : '';
    throw refused(text, `is not a quantity: write it as 5, 0.5, 100m, 2k, 1Ki or 1e3${longer}`);
  }
  const [, sign = '', digits = '', suffix = '', exponent = '0'] = match;
  const [whole = '', fraction = ''] = digits.split('.');
  let numerator = BigInt(whole + fraction) * (sign === '-' ? -1n : 1n);
  if (suffix in binary) numerator *= 1024n ** (binary[suffix] ?? 0n);
  const quantity = normalised(numerator, fraction.length - (decimal[suffix] ?? 0) - Number(exponent));
  if (!Number.isFinite(quantityToNumber(quantity))) throw refused(text, 'is not finite: a number ends at 1.8e308');
  return quantity;
}

function refused(text: string, reason: string): ScalerError {
  return new ScalerError('invalid-quantity', `${shown(text)} ${reason}`);
}

function normalised(numerator: bigint, scale: number): Quantity {
  let n = numerator;
  let s = scale;
  if (s < 0) {
    n *= 10n ** BigInt(-s);
    s = 0;
  }
  while (s > 0 && n % 10n === 0n) {
    n /= 10n;
    s -= 1;
  }
  return { numerator: n, scale: s };
}

/** The nearest number. */
export function quantityToNumber({ numerator, scale }: Quantity): number {
  return scale === 0 ? Number(numerator) : Number(`${numerator}e-${scale}`);
}

/** Negative, zero or positive as `a` is less than, equal to or greater than `b`; exact. */
export function compareQuantities(a: Quantity, b: Quantity): number {
  const scale = Math.max(a.scale, b.scale);
  const left = a.numerator * 10n ** BigInt(scale - a.scale);
  const right = b.numerator * 10n ** BigInt(scale - b.scale);
  return left < right ? -1 : left > right ? 1 : 0;
}
