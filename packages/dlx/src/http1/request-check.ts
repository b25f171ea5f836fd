import type { BoundsMet } from '../ledger/bounds-met.ts';
import { parseHost } from '../identify/host.ts';
import type { Refusal } from '../outcome.ts';
import { mostFields } from '../head/head.ts';
import type { RawMessage } from './raw-message.ts';

/** A request that is checked. */
export interface Checked {
  /** Is set to what is sent upstream. */
  path: string;
}

/** Refuses what Node's parser lets through in HTTP/1 and must not pass. */
export function checkRequest(
  to: Checked,
  bounds: BoundsMet,
  { head, httpVersion, url = '' }: RawMessage,
): Refusal | undefined {
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return bad(`HTTP/${httpVersion} by this request line`, 505);
  if (head.count > mostFields) return tooManyFields(bounds, head.count);
  if (head.hosts > 1) return bad('more than one Host');
  if (head.host === undefined && httpVersion !== '1.0') return bad('no Host');
  if (head.host !== undefined && head.host !== '' && parseHost(head.host) === undefined) return bad('not a Host');
  // Beyond it numbers are rounded, and the length that is sent on would be another.
  if (head.contentLength !== undefined && Number(head.contentLength) > Number.MAX_SAFE_INTEGER) {
    return bad('Content-Length beyond what can be counted', 413);
  }
  if (head.transferEncoding !== undefined && httpVersion === '1.0') return bad('Transfer-Encoding in HTTP/1.0');
  if (head.transferEncoding !== undefined && head.transferEncoding.trim().toLowerCase() !== 'chunked') {
    return bad(`Transfer-Encoding "${head.transferEncoding.slice(0, 80)}": only chunked is known`, 501);
  }
  if (head.expect !== undefined && head.expect.toLowerCase() !== '100-continue') {
    return bad(`Expect "${head.expect.slice(0, 80)}": only 100-continue is known`, 417);
  }
  if (!url.startsWith('/')) return checkAbsolute(to, url, head.host);
  to.path = url;
  return undefined;
}

/** `GET http://host/path`: the authority must be the Host. */
function checkAbsolute(to: Checked, url: string, hostField = ''): Refusal | undefined {
  const match = /^https?:\/\/([^/?#]+)((?:[/?][^#]*)?)$/i.exec(url);
  if (match === null) return bad(`cannot forward the request target "${url.slice(0, 80)}"`);
  const [, authority = '', rest = ''] = match;
  const named = parseHost(authority);
  const host = parseHost(hostField);
  const same = named?.name === host?.name && (named?.port ?? 80) === (host?.port ?? 80);
  if (named === undefined || host === undefined || !same) {
    return bad('the request target names another host than Host does');
  }
  to.path = rest.startsWith('/') ? rest : `/${rest}`;
  return undefined;
}

/** It is counted for no namespace: the resource is not known yet. */
export function tooManyFields(bounds: BoundsMet, count: number): Refusal {
  bounds.met('fields');
  return bad(`${count} fields, of which ${mostFields} are allowed`, 431);
}

function bad(detail: string, status?: number): Refusal {
  return { outcome: 'bad-request', detail, ...(status !== undefined && { status }) };
}
