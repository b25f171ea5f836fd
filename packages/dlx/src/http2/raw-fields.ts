import { type IncomingHttpHeaders, type OutgoingHttpHeaders, sensitiveHeaders } from 'node:http2';
import { isConnectionField, mayTrail } from '../head/connection-fields.ts';

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
