import { expect, test } from '@jest/globals';
import { markdownTable } from './markdown-table.ts';

test('cells are filled up to the widest of their column', () => {
  expect(
    markdownTable([
      ['a', 'b'],
      ['long one', ''],
    ]),
  ).toBe('| a        | b   |\n| -------- | --- |\n| long one |     |');
});
