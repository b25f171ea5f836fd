import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { guards } from './guards.ts';

const root = join(import.meta.dirname, '../../../..');

test.each(guards)('the text that takes the guard away is there once: $name', async ({ edits }) => {
  for (const { file, find, replace } of edits) {
    const text = await readFile(join(root, file), 'utf8');
    expect(text.split(find)).toHaveLength(2);
    expect(replace).not.toContain(find);
  }
});
