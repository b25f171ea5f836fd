import { connectionFields, dropNamed, isConnectionField, nominatedBy } from './connection-fields.ts';
import { markOf, NameMarks } from './name-marks.ts';

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
  upgrade: string | undefined;
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
    upgrade: undefined,
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
    case 'upgrade':
      head.upgrade = value;
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
