import { constants, readFileSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';

/** Bytes that a file of tokens, authorities or queries may have. */
const smallFileBytes = 1024 * 1024;

/**
 * The text of a small file: a token, authorities, a list of queries.
 *
 * @throws when it cannot be read, is no regular file (a pipe may never end), or is longer than `limitBytes`.
 */
export async function readSmallFile(path: string, limitBytes = smallFileBytes): Promise<string> {
  // O_NONBLOCK: a pipe is opened without waiting for its other end.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new Error(`${path} is no regular file`);
    const buffer = Buffer.alloc(Math.min(stat.size, limitBytes) + 1);
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    if (length > limitBytes || stat.size > limitBytes) {
      throw new Error(`${path} has ${stat.size} bytes, allowed are ${limitBytes}`);
    }
    return buffer.toString('utf8', 0, length);
  } finally {
    await file.close();
  }
}

/** As {@link readSmallFile}, synchronous, for the start of a program. @throws as {@link readSmallFile}. */
export function readSmallFileSync(path: string, limitBytes = smallFileBytes): string {
  const stat = statSync(path);
  if (!stat.isFile()) throw new Error(`${path} is no regular file`);
  if (stat.size > limitBytes) throw new Error(`${path} has ${stat.size} bytes, allowed are ${limitBytes}`);
  return readFileSync(path, 'utf8');
}
