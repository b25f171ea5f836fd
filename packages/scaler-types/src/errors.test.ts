import { expect, test } from '@jest/globals';
import { errorCode, isTerminal, ScalerError, terminal } from './errors.ts';

test('a terminal error is found through any cause, and others are not', () => {
  const gone = terminal(new ScalerError('unknown-resource', 'there is no default/web'));
  expect(isTerminal(gone)).toBe(true);
  expect(isTerminal(new Error('wake failed', { cause: new Error('again', { cause: gone }) }))).toBe(true);
  expect(isTerminal(new Error('wake failed', { cause: new Error('again') }))).toBe(false);
  expect([undefined, null, 'text', 5].map(isTerminal)).toEqual([false, false, false, false]);
});

test('it keeps its code, and the mark does not show', () => {
  const error = terminal(new ScalerError('wake-failed', 'x'));
  expect(errorCode(error)).toBe('wake-failed');
  expect(Object.keys(error)).toEqual(['name', 'code']);
});

test('a value that is no error becomes one, and marking twice or a frozen cause does no harm', () => {
  expect(terminal('out of quota')).toMatchObject({ message: 'out of quota' });
  expect(isTerminal(terminal(terminal(new Error('x'))))).toBe(true);
});

test('a ring of causes ends', () => {
  const one = new Error('one');
  one.cause = new Error('two', { cause: one });
  expect(isTerminal(one)).toBe(false);
});

test('the mark is that of every copy of this package', () => {
  const foreign = Object.assign(new Error('x'), { [Symbol.for('@scaler/scaler-types/terminal')]: true });
  expect(isTerminal(foreign)).toBe(true);
});

test('the code of any error is read, however it was made', () => {
  expect(errorCode(new ScalerError('park-refused', 'x'))).toBe('park-refused');
  expect(errorCode({ code: 'ECONNREFUSED' })).toBe('ECONNREFUSED');
  expect([errorCode({ code: 5 }), errorCode(null), errorCode('text')]).toEqual([undefined, undefined, undefined]);
});
