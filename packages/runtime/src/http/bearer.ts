import { createHash, timingSafeEqual } from 'node:crypto';

/** Whether an `Authorization` header carries one of the tokens. Takes as long for a wrong one as for a right one. */
export function carriesToken(header: string | undefined, tokens: readonly string[]): boolean {
  const given = digest(/^Bearer +(\S+)$/i.exec(header ?? '')?.[1] ?? '');
  let right = false;
  for (const token of tokens) right = (timingSafeEqual(given, digest(token)) && token !== '') || right;
  return right;
}

/** Digests have one length, as the comparison demands, and do not give away the token's. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
