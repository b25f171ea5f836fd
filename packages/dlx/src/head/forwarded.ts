import { type Head, hopHeader } from './head.ts';

/** A request, and the client that it came from. */
interface Asked {
  /** Undefined: a raw connection, which has no fields. */
  readonly http: { readonly head: Head } | undefined;
  readonly channel: { readonly remoteAddress: string | undefined };
  readonly core: { readonly settings: { readonly trustForwarded: boolean } };
}

const letterX = 0x78;

/** Adds the fields that name the client and what it asked for, and the gates by which the request came. */
export function addForwarded(x: Asked, key: string): void {
  const { http, channel, core } = x;
  if (http === undefined) return;
  const { head } = http;
  const { fields, host } = head;
  const trusted = core.settings.trustForwarded;
  if (!trusted) dropClaims(fields);
  const client = channel.remoteAddress ?? 'unknown';
  const before = trusted ? head.forwardedFor : undefined;
  fields.push('x-forwarded-for', before === undefined ? client : `${before}, ${client}`);
  fields.push('x-forwarded-proto', (trusted ? head.forwardedProto : undefined) ?? 'http');
  const asked = (trusted ? head.forwardedHost : undefined) ?? host;
  if (asked !== undefined) fields.push('x-forwarded-host', asked);
  // The other form of the same, where it is in use already.
  if (trusted && head.forwarded !== undefined) {
    fields.push('forwarded', `${head.forwarded}, ${forwardedElement(client, host)}`);
  }
  fields.push(hopHeader, head.hop === undefined ? key : `${head.hop}, ${key}`);
}

/** Drops the fields `X-Forwarded-*` that are not made anew: port, prefix, server and the like. */
function dropClaims(fields: string[]): void {
  let kept = 0;
  for (let i = 0; i < fields.length; i += 2) {
    if (isClaim(fields[i] as string)) continue;
    fields[kept] = fields[i] as string;
    fields[kept + 1] = fields[i + 1] as string;
    kept += 2;
  }
  fields.length = kept;
}

function isClaim(name: string): boolean {
  // Nearly every name begins with another letter.
  return (name.charCodeAt(0) | 0x20) === letterX && /^x-forwarded-/i.test(name);
}

/** The element that one proxy adds to `Forwarded` (RFC 7239). `client`: an address or `unknown`. */
export function forwardedElement(client: string, host: string | undefined): string {
  const by = client.includes(':') ? `"[${client}]"` : client;
  return `for=${by};${host === undefined ? '' : `host=${tokenOrQuoted(host)};`}proto=http`;
}

function tokenOrQuoted(text: string): string {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text) ? text : `"${text.replace(/["\\]/g, '\\$&')}"`;
}
