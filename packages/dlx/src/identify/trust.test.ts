import { expect, test } from '@jest/globals';
import { trustOf } from './directory.ts';

test.each([
  ['10.1.2.3', true],
  ['::ffff:10.1.2.3', true],
  ['11.1.2.3', false],
  ['192.168.1.1', true],
  ['192.168.1.2', false],
  ['fd00::1', true],
  ['fe80::1', false],
  [undefined, false],
])('of 10.0.0.0/8, 192.168.1.1 and fd00::/8, %s is trusted: %s', (address, trusted) => {
  expect(trustOf(['10.0.0.0/8', '192.168.1.1', 'fd00::/8'])(address)).toBe(trusted);
});

test('with an empty list no peer is', () => {
  expect(trustOf([])('127.0.0.1')).toBe(false);
});
