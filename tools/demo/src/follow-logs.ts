import { createReadStream, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const lookEveryMs = 250;

/**
 * Prints each line that is added to a file of the folder, after the file's name, until the returned function is called.
 */
export function followLogs(folder: string, say: (line: string) => void): () => void {
  const readTo = new Map<string, number>();
  const look = (): void => {
    for (const file of readdirSync(folder)) {
      const from = readTo.get(file) ?? 0;
      const { size } = statSync(join(folder, file));
      if (size <= from) continue;
      readTo.set(file, size);
      const name = file.replace(/(-[a-z0-9]+){2}\.log$/, '');
      const lines = createInterface(createReadStream(join(folder, file), { start: from, end: size - 1 }));
      lines.on('line', (line) => say(`${name.padEnd(10)} ${line}`));
    }
  };
  const timer = setInterval(look, lookEveryMs);
  return () => clearInterval(timer);
}
