/** Letters of either case have the lowest five bits in common. */
const letters = 32;

/**
 * A name's length and first letter, in one number: by it nearly every name differs from all that are looked for, without a
 * copy in lower case.
 */
export function markOf(name: string): number {
  return name.length * letters + (name.charCodeAt(0) & (letters - 1));
}

/** The marks of some names. */
export class NameMarks {
  readonly #marked: Uint8Array;

  constructor(names: readonly string[]) {
    const longest = Math.max(...names.map(({ length }) => length));
    this.#marked = new Uint8Array((longest + 1) * letters);
    for (const name of names) this.#marked[markOf(name)] = 1;
  }

  /** Whether a name with this mark may be one of them. */
  has(mark: number): boolean {
    return this.#marked[mark] === 1;
  }
}

/**
 * Fields that concern one connection and not the message (RFC 9110 §7.6.1, RFC 9113 §8.2.2), and fields that may not stand
 * in trailers (RFC 9110 §6.5.1): the one place that says what stays behind, for heads, 1xx and trailers, in both directions
 * and both protocols. Node throws at some of them that its own parsers let through.
 */

/** In lower case. `Connection` may name more, and `TE` may say `trailers`. */
export const connectionFields = [
  'te',
  'upgrade',
  'connection',
  'keep-alive',
  'http2-settings',
  'proxy-connection',
  'transfer-encoding',
] as const;
const known: ReadonlySet<string> = new Set(connectionFields);
const marks = new NameMarks(connectionFields);

/** How the message is framed, where it goes, who sends it and how its body is read: a recipient that merges trailers into its head must not find that there. */
const headOnly: ReadonlySet<string> = new Set([
  'content-length',
  'trailer',
  'host',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-scaler-hop',
  'x-scaler-target',
  'max-forwards',
  'expect',
  'authorization',
  'proxy-authorization',
  'www-authenticate',
  'proxy-authenticate',
  'cookie',
  'set-cookie',
  'content-type',
  'content-encoding',
  'content-range',
]);

/** Whether a field concerns one connection, by its lower-case name. */
export function isConnectionField(lower: string): boolean {
  return marks.has(markOf(lower)) && known.has(lower);
}

/** Whether a field may stand in trailers, by its lower-case name. */
export function mayTrail(lower: string): boolean {
  return lower.charCodeAt(0) !== colon && !isConnectionField(lower) && !headOnly.has(lower);
}

const colon = 0x3a;

/** Lower-case names in a `Connection` field, but for those that are dropped or kept in any case. */
export function nominatedBy(connection: string): ReadonlySet<string> | undefined {
  // Nearly always one of these two, as it stands.
  if (connection === 'keep-alive' || connection === 'close') return undefined;
  const names = connection
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => !['', 'close', 'keep-alive', 'te', 'host', 'content-length'].includes(name));
  return names.length === 0 ? undefined : new Set(names);
}

/** Takes the fields of these lower-case names out of a flat list, in place. */
export function dropNamed(fields: string[], names: ReadonlySet<string>): void {
  dropFields(fields, (name) => names.has(name.toLowerCase()));
}

/** Takes out of a flat list, in place, the fields whose names are to be dropped. */
function dropFields(fields: string[], isDropped: (name: string) => boolean): void {
  let kept = 0;
  for (let i = 0; i < fields.length; i += 2) {
    if (isDropped(fields[i] as string)) continue;
    fields[kept] = fields[i] as string;
    fields[kept + 1] = fields[i + 1] as string;
    kept += 2;
  }
  fields.length = kept;
}

/** A request's header fields, read in one pass over the raw ones. */
export interface Head {
  /** Fields to pass on, flat, without those that concern this connection only. */
  readonly fields: string[];
  /** The memory of all fields, in bytes; see {@link fieldBytes}. */
  bytes: number;
  /** How many fields came. */
  count: number;
  host: string | undefined;
  hosts: number;
  userAgent: string | undefined;
  /** How the body is framed, and `Expect`: what Node asks a request's `headers` for. */
  framing: Record<string, string>;
  contentLength: string | undefined;
  transferEncoding: string | undefined;
  expect: string | undefined;
  /** It has `TE: trailers`, and so have the fields to pass on. */
  takesTrailers: boolean;
  /** By `Forwarded`, all of them. */
  forwarded: string | undefined;
  forwardedFor: string | undefined;
  forwardedProto: string | undefined;
  forwardedHost: string | undefined;
  /** Resources through whose gate it came already, comma-separated. */
  hop: string | undefined;
  /** By the target header, or undefined. */
  target: string | undefined;
}

/** The header that stops loops: which resources' gates a request has passed. */
export const hopHeader = 'x-scaler-hop';

/** The fields that are read, beside the target header; all others are passed on as they are. */
const read = new NameMarks([
  ...connectionFields,
  'host',
  'user-agent',
  'content-length',
  'expect',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  hopHeader,
]);

/** The memory of a field beside its characters: two strings, each in two lists. Ten thousand of one letter take 680 KB. */
export const fieldBytes = 96;
/** So many fields a request may have. */
export const mostFields = 2000;

const unframed: Record<string, string> = Object.freeze({});

/** Reads and sorts a request's raw fields. By RFC 9110 §7.6.1 what `Connection` names stays behind. */
export function readHead(raw: readonly string[], targetHeader: string): Head {
  const head: Head = {
    fields: [],
    bytes: 0,
    count: raw.length >> 1,
    host: undefined,
    hosts: 0,
    userAgent: undefined,
    framing: unframed,
    contentLength: undefined,
    transferEncoding: undefined,
    expect: undefined,
    takesTrailers: false,
    forwarded: undefined,
    forwardedFor: undefined,
    forwardedProto: undefined,
    forwardedHost: undefined,
    hop: undefined,
    target: undefined,
  };
  let connection: string | undefined;
  let bytes = head.count * fieldBytes;
  const { fields } = head;
  const targetMark = markOf(targetHeader);
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string;
    const value = raw[i + 1] as string;
    bytes += name.length + value.length;
    const mark = markOf(name);
    if (read.has(mark) || mark === targetMark) {
      const lower = name.toLowerCase();
      if (lower === 'connection') connection = connection === undefined ? value : `${connection},${value}`;
      else if (lower === targetHeader) head.target = value;
      else if (take(head, lower, value)) continue;
      else fields.push(name, value);
      continue;
    }
    fields.push(name, value);
  }
  head.bytes = bytes;
  const nominated = connection === undefined ? undefined : nominatedBy(connection);
  if (nominated !== undefined) dropNamed(fields, nominated);
  return head;
}

/** True when the field is not passed on as it came. */
function take(head: Head, lower: string, value: string): boolean {
  switch (lower) {
    case 'host':
      head.host ??= value;
      head.hosts += 1;
      return head.hosts > 1;
    case 'user-agent':
      head.userAgent = value;
      return false;
    case 'content-length':
      head.contentLength = value;
      head.framing = { ...head.framing, 'content-length': value };
      return false;
    case 'transfer-encoding':
      head.transferEncoding = head.transferEncoding === undefined ? value : `${head.transferEncoding}, ${value}`;
      head.framing = { ...head.framing, 'transfer-encoding': value };
      return true;
    case 'te':
      // We pass trailers on, so we may ask for them on the client's behalf; once, however often it does.
      if (!head.takesTrailers && /(?:^|,)\s*trailers\s*(?:,|$)/i.test(value)) {
        head.takesTrailers = true;
        head.fields.push('te', 'trailers');
      }
      return true;
    case 'forwarded':
      head.forwarded = head.forwarded === undefined ? value : `${head.forwarded}, ${value}`;
      return true;
    case 'x-forwarded-for':
      head.forwardedFor = head.forwardedFor === undefined ? value : `${head.forwardedFor}, ${value}`;
      return true;
    case 'x-forwarded-proto':
      head.forwardedProto ??= value;
      return true;
    case 'x-forwarded-host':
      head.forwardedHost ??= value;
      return true;
    case hopHeader:
      head.hop = head.hop === undefined ? value : `${head.hop},${value}`;
      return true;
    case 'expect':
      head.expect = value;
      head.framing = { ...head.framing, expect: value };
      return true;
    default:
      return isConnectionField(lower);
  }
}

/** The values of a field, by its lower-case name, joined by commas. */
export function fieldOf(raw: readonly string[], name: string): string | undefined {
  let found: string | undefined;
  for (let i = 0; i < raw.length; i += 2) {
    const candidate = raw[i] as string;
    if (candidate.length !== name.length || candidate.toLowerCase() !== name) continue;
    found = found === undefined ? raw[i + 1] : `${found}, ${raw[i + 1]}`;
  }
  return found;
}

/** The values of fields, by their lower-case names, each joined by commas; in one pass, however many there are. */
export function fieldsOf(raw: readonly string[], names: ReadonlySet<string>): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (let i = 0; i < raw.length; i += 2) {
    const name = (raw[i] as string).toLowerCase();
    if (!names.has(name)) continue;
    const before = found.get(name);
    found.set(name, before === undefined ? (raw[i + 1] as string) : `${before}, ${raw[i + 1]}`);
  }
  return found;
}

/** Whether a body follows. */
export function hasBody(head: Head): boolean {
  return head.transferEncoding !== undefined || (head.contentLength !== undefined && head.contentLength !== '0');
}

/** A request, and the client that it came from. */
interface Asked {
  /** Undefined: a raw connection, which has no fields. */
  readonly http: { readonly head: Head; readonly version: string } | undefined;
  readonly channel: { readonly remoteAddress: string | undefined };
  readonly core: { readonly settings: { readonly trustForwarded: boolean; readonly via: string | undefined } };
}

const letterX = 0x78;

/** Adds the fields that name the client and what it asked for, and the gates by which the request came. */
export function addForwarded(x: Asked, key: string): void {
  const { http, channel, core } = x;
  if (http === undefined) return;
  const { head } = http;
  const { fields, host } = head;
  const { trustForwarded: trusted, via } = core.settings;
  if (!trusted) dropFields(fields, isClaim);
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
  if (via !== undefined) fields.push('via', `${http.version} ${via}`);
  fields.push(hopHeader, head.hop === undefined ? key : `${head.hop}, ${key}`);
}

/** Whether it is one of the fields `X-Forwarded-*`: port, prefix, server and the like are not made anew. */
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

/** A Host in its one form: lower case, without final dot; the port apart. */
export interface HostKey {
  readonly name: string;
  readonly port: number | undefined;
}

const hostPattern = /^(\[[0-9a-fA-F:.]+\]|[^\s:/?#@[\]]+?)\.?(?::(\d{0,5}))?$/;

/** Hosts that were parsed already: few are asked for, often, and each several times per request. */
const parsedHosts = new Map<string, HostKey | undefined>();
const mostParsed = 1024;
/** A name of DNS has 253 characters; with a final dot and a port it has these. */
const longestHost = 260;

/** Undefined when it is not a host. */
export function parseHost(host: string): HostKey | undefined {
  if (host.length > longestHost) return undefined;
  const key = parsedHosts.get(host);
  if (key !== undefined || parsedHosts.has(host)) return key;
  // Clients choose them: a flood of new ones must not grow the map.
  if (parsedHosts.size >= mostParsed) parsedHosts.clear();
  const parsed = hostOf(host);
  parsedHosts.set(host, parsed);
  return parsed;
}

function hostOf(host: string): HostKey | undefined {
  const match = hostPattern.exec(host);
  if (match === null) return undefined;
  const port = match[2] === undefined || match[2] === '' ? undefined : Number(match[2]);
  if (port !== undefined && port > 65_535) return undefined;
  return { name: (match[1] as string).toLowerCase(), port };
}
