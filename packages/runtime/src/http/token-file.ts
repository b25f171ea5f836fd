import type { Clock, Logger } from '@scaler/scaler-types';
import { readSmallFile } from '../files.ts';
import { carriesToken } from './bearer.ts';

export interface TokenFileOptions {
  file: string;
  clock: Clock;
  logger: Logger;
}

const goodForMs = 1_000;
const longestBytes = 16 * 1024;
const mostTokens = 8;
const longestHeader = 4 * 1024;

export type TokenFile = ReturnType<typeof createTokenFile>;

/**
 * A file with a token that two apps share. Read again after a second, so that it can be rotated.
 * Each line is a token, at most eight: all of them are accepted and the first is sent. To rotate, put a new one first, beside
 * the old one, until both apps have read it. When the file cannot be read, that is logged once, and the last tokens stay.
 */
export function createTokenFile({ file, clock, logger }: TokenFileOptions) {
  let known: readonly string[] = [];
  let readMs = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | undefined;
  let failed = false;

  const read = async (): Promise<void> => {
    try {
      const lines = (await readSmallFile(file, longestBytes)).split('\n', mostTokens).map((line) => line.trim());
      const tokens = lines.filter((line) => line !== '');
      if (tokens.length === 0) throw new Error(`${file} has no token`);
      known = tokens;
      failed = false;
    } catch (error) {
      if (!failed) logger.error('the token cannot be read: the last one stays', { err: error as Error });
      failed = true;
    }
    readMs = clock.monotonic();
    reading = undefined;
  };
  const fresh = async (): Promise<void> => {
    if (clock.monotonic() - readMs < goodForMs) return;
    await (reading ??= read());
  };
  return {
    /** Whether an `Authorization` header carries one of its tokens. Takes as long for a wrong one as for a right one. */
    async accepts(header: string | undefined): Promise<boolean> {
      await fresh();
      return carriesToken(header?.slice(0, longestHeader), known);
    },
    /** The token to send: the first one. @throws Error when the file never had one. */
    async first(): Promise<string> {
      await fresh();
      const [token] = known;
      if (token === undefined) throw new Error(`${file} has no token that can be read`);
      return token;
    },
  };
}
