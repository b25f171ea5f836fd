import { createHash, timingSafeEqual } from 'node:crypto';
import { readSmallFile } from '../files.ts';

/** The token that a caller of the admin server must send, or the file that holds it (read at each request, so it can be rotated). */
export type AdminAuth = { token: string } | { tokenFile: string };

/** Whether an `Authorization` header carries the token. Takes as long for a wrong one as for a right one. @throws when the file cannot be read. */
export async function isAuthorized(auth: AdminAuth, header: string | undefined): Promise<boolean> {
  const expected = ('token' in auth ? auth.token : await readSmallFile(auth.tokenFile)).trim();
  const given = /^Bearer +(\S+)$/i.exec(header ?? '')?.[1] ?? '';
  return timingSafeEqual(digest(given), digest(expected)) && expected !== '';
}

/** Digests have one length, as the comparison demands, and do not give away the token's. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
