import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '../../..');
export const chart = join(root, 'charts/scaler');

export function read(...path: readonly string[]): Promise<string> {
  return readFile(join(chart, ...path), 'utf8');
}
