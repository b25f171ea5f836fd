import { type IncomingHttpHeaders, type OutgoingHttpHeaders, sensitiveHeaders } from 'node:http2';
import { fieldBytes, type Head, isConnectionField, mayTrail, mostFields, parseHost, readHead } from '../head/head.ts';
import { bad, badExpect, type Checked, tooManyFields } from '../http1/raw-message.ts';
import type { BoundsMet } from '../ledger/ledger.ts';
import type { Refusal } from '../outcome.ts';

/** Fields as they came, flat, pseudo-fields among them. */
export interface RawFields {
  readonly raw: readonly string[];
  /** Names whose values must not enter a table of compression (RFC 7541 §7.1.3). */
  readonly sensitive: readonly string[] | undefined;
}

const colon = 0x3a;
const noTrailers: RawFields = { raw: [], sensitive: undefined };

/** Fields in both forms that Node gives. */
export function rawFieldsOf(fields: IncomingHttpHeaders, raw: readonly string[]): RawFields {
  const sensitive = (fields as { [sensitiveHeaders]?: string[] })[sensitiveHeaders];
  return { raw, sensitive: sensitive?.length === 0 ? undefined : sensitive };
}

/** An empty set of fields to send: no name is special in it. */
export function noFields(): OutgoingHttpHeaders {
  return Object.create(null) as OutgoingHttpHeaders;
}

/**
 * Adds fields to those that are sent: in order, as a list where a name comes more than once; no pseudo-fields, and none
 * that concern a connection, of which nghttp2 lets some through.
 */
export function addFields(to: OutgoingHttpHeaders, { raw, sensitive }: RawFields): OutgoingHttpHeaders {
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string;
    const value = raw[i + 1] as string;
    if (name.charCodeAt(0) === colon || isConnectionField(name)) continue;
    const before = to[name];
    if (before === undefined) to[name] = value;
    else if (Array.isArray(before)) before.push(value);
    else to[name] = [before as string, value];
  }
  if (sensitive !== undefined) (to as { [sensitiveHeaders]?: readonly string[] })[sensitiveHeaders] = sensitive;
  return to;
}

/** Trailers as they are passed on. */
export function trailersOf({ raw, sensitive }: RawFields = noTrailers): OutgoingHttpHeaders {
  return addFields(noFields(), { raw: raw.filter((_, i) => mayTrail(raw[i - (i % 2)] as string)), sensitive });
}

/** The head of a request in HTTP/2. */
export interface StreamHead {
  readonly method: string;
  readonly scheme: string;
  readonly path: string;
  readonly authority: string | undefined;
  /** The `Host` field, which may stand beside or in place of the authority. */
  readonly hostField: string | undefined;
  readonly contentType: string | undefined;
  /** Its `host` is the authority, or else the `Host` field; neither is among its fields. */
  readonly head: Head;
}

/** Reads raw fields, pseudo-fields among them. */
export function readStreamHead(raw: readonly string[], targetHeader: string): StreamHead {
  const pseudo = new Map<string, string>();
  const rest: string[] = [];
  let hostField: string | undefined;
  let contentType: string | undefined;
  let bytes = 0;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string;
    const value = raw[i + 1] as string;
    if (name.startsWith(':')) {
      bytes += fieldBytes + value.length;
      pseudo.set(name, value);
      continue;
    }
    if (name === 'host') {
      hostField = value;
      continue;
    }
    if (name === 'content-type') contentType = value;
    rest.push(name, value);
  }
  const head = readHead(rest, targetHeader);
  head.bytes += bytes;
  const authority = pseudo.get(':authority');
  head.host = authority ?? hostField;
  const [method = '', scheme = '', path = ''] = [':method', ':scheme', ':path'].map((name) => pseudo.get(name));
  return { method, scheme, path, authority, hostField, contentType, head };
}

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
  const unexpected = badExpect(head);
  if (unexpected !== undefined) return unexpected;
  if (!path.startsWith('/')) return bad(`cannot forward the request target "${path.slice(0, 80)}"`);
  to.path = path;
  return undefined;
}
