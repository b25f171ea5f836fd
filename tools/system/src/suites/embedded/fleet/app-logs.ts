import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EmbeddedSystem } from '@scaler/demo';

const longest = 400;

/** Prints the last lines that the apps logged and that match a pattern. */
export async function printLogs({ logFolder }: EmbeddedSystem, pattern: RegExp, lines: number): Promise<void> {
  for (const file of await readdir(logFolder)) {
    const text = await readFile(join(logFolder, file), 'utf8');
    const own = text.split('\n').filter((line) => pattern.test(line));
    for (const line of own.slice(-lines)) console.log(`    ${file}: ${line.slice(0, longest)}`);
  }
}
