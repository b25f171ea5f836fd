import { ScalerError } from '../errors.ts';
import { shown } from '../shown.ts';

const pattern = /^([+-]?(?:\d+(?:\.\d*)?|\.\d+))(?:(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E)|[eE]([+-]?\d{1,3}))?$/;
const decimal: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const binary: Readonly<Record<string, number>> = { Ki: 1, Mi: 2, Gi: 3, Ti: 4, Pi: 5, Ei: 6 };

/** Kubernetes itself writes no more than 20 digits. */
export const longestQuantity = 64;

/**
 * The number of a Kubernetes quantity: `100m`, `2k`, `1Ki`, `1e3`, `0.5`. The nearest one there is; `100m` is 0.1, never 100.
 * The text is no longer than {@link longestQuantity}.
 *
 * @throws ScalerError `invalid-quantity` that names the text.
 */
export function parseQuantity(text: string): number {
  const match = text.length > longestQuantity ? null : pattern.exec(text);
  if (!match) {
    const longer = text.length > longestQuantity ? `, in at most ${longestQuantity} characters` : '';
    throw refused(text, `is not a quantity: write it as 5, 0.5, 100m, 2k, 1Ki or 1e3${longer}`);
  }
  const [, digits = '', suffix = '', exponent = '0'] = match;
  // As an exponent a decimal suffix is read with the digits, without a second rounding; a power of two rounds nothing.
  const value = Number(`${digits}e${decimal[suffix] ?? exponent}`) * 1024 ** (binary[suffix] ?? 0);
  if (!Number.isFinite(value)) throw refused(text, 'is not finite: a number ends at 1.8e308');
  // Not -0.
  return value + 0;
}

function refused(text: string, reason: string): ScalerError {
  return new ScalerError('invalid-quantity', `${shown(text)} ${reason}`);
}
