import { mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { readSmallFile, readSmallFileSync } from './files.ts';

const folder = mkdtempSync(join(tmpdir(), 'runtime-'));
const file = join(folder, 'file');

test('a small file is read whole, through links as kubelet makes them', async () => {
  writeFileSync(file, 'ä token\n');
  symlinkSync(file, join(folder, 'link'));
  expect(await readSmallFile(join(folder, 'link'), 9)).toBe('ä token\n');
});

test('a longer one is refused with both sizes', async () => {
  writeFileSync(file, 'x'.repeat(11));
  await expect(readSmallFile(file, 10)).rejects.toThrow(`${file} has 11 bytes, allowed are 10`);
  expect(() => readSmallFileSync(file, 10)).toThrow(`${file} has 11 bytes, allowed are 10`);
  expect(readSmallFileSync(file, 11)).toBe('x'.repeat(11));
});

test('a device, a folder and a missing file are refused', async () => {
  await expect(readSmallFile('/dev/zero')).rejects.toThrow('/dev/zero is no regular file');
  expect(() => readSmallFileSync('/dev/zero')).toThrow('/dev/zero is no regular file');
  await expect(readSmallFile(folder)).rejects.toThrow('is no regular file');
  await expect(readSmallFile(join(folder, 'none'))).rejects.toMatchObject({ code: 'ENOENT' });
});
