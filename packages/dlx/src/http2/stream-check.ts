import type { BoundsMet } from '../ledger/bounds-met.ts';
import { mostFields } from '../head/head.ts';
import { type Checked, tooManyFields } from '../http1/request-check.ts';
import { parseHost } from '../identify/host.ts';
import type { Refusal } from '../outcome.ts';
import type { StreamHead } from './stream-head.ts';

/**
 * Refuses what Node lets through in HTTP/2 and must not pass. Malformed or repeated pseudo-fields and
 * names, a body that differs from its Content-Length, and fields that concern a connection (RFC 9113 §8.2.2) never come
 * here: nghttp2 resets their streams.
 */
export function checkStream(to: Checked, bounds: BoundsMet, request: StreamHead): Refusal | undefined {
  const { head, method, scheme, path, authority, hostField } = request;
  if (head.count > mostFields) return tooManyFields(bounds, head.count);
  if (method === 'CONNECT') return bad('CONNECT is not supported', 501);
  if (scheme !== 'http' && scheme !== 'https') return bad(`the scheme "${scheme.slice(0, 80)}" is not HTTP`);
  const host = parseHost(head.host ?? '');
  if (host === undefined) return bad('not a Host');
  if (authority !== undefined && hostField !== undefined) {
    const named = parseHost(hostField);
    if (named?.name !== host.name || named.port !== host.port)
      return bad(':authority names another host than Host does');
  }
  if (head.expect !== undefined && head.expect.toLowerCase() !== '100-continue') {
    return bad(`Expect "${head.expect.slice(0, 80)}": only 100-continue is known`, 417);
  }
  if (!path.startsWith('/')) return bad(`cannot forward the request target "${path.slice(0, 80)}"`);
  to.path = path;
  return undefined;
}

function bad(detail: string, status?: number): Refusal {
  return { outcome: 'bad-request', detail, ...(status !== undefined && { status }) };
}
