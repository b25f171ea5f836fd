import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseQuantity } from './quantity.ts';

describe('parseQuantity', () => {
  test.each([
    ['0', 0],
    ['100m', 0.1],
    ['1500m', 1.5],
    ['2k', 2_000],
    ['1Ki', 1_024],
    ['1.5Gi', 1.5 * 1024 ** 3],
    ['1e3', 1_000],
    ['1E3', 1_000],
    ['1E', 1e18],
    ['12e-1', 1.2],
    ['.5', 0.5],
    ['5.', 5],
    ['+5', 5],
    ['-5', -5],
    ['100n', 1e-7],
    ['3u', 3e-6],
  ])('%s is %d', (text, number) => expect(parseQuantity(text)).toBe(number));

  test.each(['', 'm', '1 k', '1K', '1kk', '1e', '0x10', 'NaN', 'Infinity', '1,5', '--1', '1e1000'])(
    '"%s" is refused',
    (text) => {
      expect(() => parseQuantity(text)).toThrow(
        expect.objectContaining({ code: 'invalid-quantity', message: expect.stringContaining(`"${text}" is not`) }),
      );
    },
  );
});

test('milli is a thousandth, never a count', () => {
  expect(parseQuantity('100m')).toBeLessThan(parseQuantity('1'));
  expect(parseQuantity('1000m')).toBe(parseQuantity('1'));
  expect(parseQuantity('1001m')).toBeGreaterThan(parseQuantity('1'));
});

describe('against a model of exact nano-units', () => {
  const nanos: Record<string, bigint> = {
    n: 1n,
    u: 10n ** 3n,
    m: 10n ** 6n,
    '': 10n ** 9n,
    k: 10n ** 12n,
    M: 10n ** 15n,
    G: 10n ** 18n,
  };
  const binary: Record<string, bigint> = { Ki: 2n ** 10n, Mi: 2n ** 20n, Gi: 2n ** 30n, Ti: 2n ** 40n };
  const quantity = fc
    .record({
      negative: fc.boolean(),
      whole: fc.bigInt({ min: 0n, max: 10n ** 18n }),
      suffix: fc.constantFrom(...Object.keys(nanos), ...Object.keys(binary)),
    })
    .map(({ negative, whole, suffix }) => {
      const sign = negative ? -1n : 1n;
      const model = sign * whole * (nanos[suffix] ?? (binary[suffix] ?? 1n) * 10n ** 9n);
      return { text: `${negative ? '-' : ''}${whole}${suffix}`, model };
    });

  test('the value is the nearest number', () => {
    fc.assert(fc.property(quantity, ({ text, model }) => expect(parseQuantity(text)).toBe(Number(`${model}e-9`))));
  });
});

describe('a text or number beyond the bounds', () => {
  test('is refused before it is counted with, and its message stays short', () => {
    for (const text of ['1'.repeat(240_000), `0.${'0'.repeat(240_000)}1`, '1'.repeat(65), `1e${'0'.repeat(64)}1`]) {
      const refusal = messageOf(() => parseQuantity(text));
      expect(refusal).toContain('in at most 64 characters');
      expect(refusal.length).toBeLessThan(250);
    }
  });

  test.each(['1e999', '-1e999', '1e309', '9e308'])('%s is not finite, so it is refused', (text) =>
    expect(messageOf(() => parseQuantity(text))).toBe(`"${text}" is not finite: a number ends at 1.8e308`),
  );

  test.each([
    ['1e308', 1e308],
    ['1e-999', 0],
    ['-0', 0],
    ['0e999', 0],
  ])('%s is %d', (text, number) => expect(parseQuantity(text)).toBe(number));
});

function messageOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return (error as Error).message;
  }
  return '';
}
