import { AutoscalerError } from '../errors.ts';
import { cut, quoted } from '../quote.ts';
import { type Peer, peerText } from './peer.ts';

/** One DLX replica's count for one resource. */
export interface ResourceActivity {
  held: number;
  inFlight: number;
  /** Of those in flight. */
  openStreams: number;
  /** Milliseconds since the last arrival that counts; undefined: none since the replica started. */
  lastArrivalAgeMs: number | undefined;
  /** Milliseconds since the last end of one that counts; undefined: none since then, or a replica that does not tell. */
  lastEndAgeMs: number | undefined;
}

/** The answer to `GET /activity`. */
export interface ActivityAnswer {
  replica: string;
  /** Milliseconds since the Unix epoch, by the replica's clock; tells one start from another. */
  startedAt: number;
  /** Milliseconds that it has been counting. */
  upMs: number;
  /** By `namespace/name`; a resource without any arrival is absent. */
  resources: ReadonlyMap<string, ResourceActivity>;
}

/** The answer to `POST /fence`. */
export interface FenceAnswer {
  replica: string;
  clear: boolean;
  held: number;
  inFlight: number;
  epoch: string;
  reason: string | undefined;
}

/** The answer to `POST /preflight`. */
export interface PreflightAnswer {
  replica: string;
  ok: boolean;
  reasons: readonly string[];
}

type Fields = Record<string, unknown>;

const longestReason = 200;
const mostReasons = 8;

/** @throws AutoscalerError `peer-answer` that names the replica and the field. */
export function parseActivity(json: unknown, peer: Peer): ActivityAnswer {
  const fields = object(json, peer, 'activity');
  const startedAt = time(fields, 'startedAt', peer);
  const resources = Object.entries(object(fields['resources'], peer, 'resources'));
  return {
    replica: name(fields, peer),
    startedAt,
    upMs: time(fields, 'now', peer) - startedAt,
    resources: new Map(resources.map(([key, value]) => [key, parseResourceActivity(object(value, peer, key), peer)])),
  };
}

function parseResourceActivity(fields: Fields, peer: Peer): ResourceActivity {
  const age = (name: string) =>
    fields[name] === undefined || fields[name] === null ? undefined : count(fields, name, peer);
  return {
    held: count(fields, 'held', peer),
    inFlight: count(fields, 'inFlight', peer),
    openStreams: count(fields, 'openStreams', peer),
    lastArrivalAgeMs: age('lastArrivalAgeMs'),
    lastEndAgeMs: age('lastEndAgeMs'),
  };
}

/** @throws AutoscalerError `peer-answer` that names the replica and the field. */
export function parseFence(json: unknown, peer: Peer): FenceAnswer {
  const fields = object(json, peer, 'fence');
  const { reason } = fields;
  return {
    replica: name(fields, peer),
    clear: flag(fields, 'clear', peer),
    held: count(fields, 'held', peer),
    inFlight: count(fields, 'inFlight', peer),
    epoch: text(fields, 'epoch', peer),
    reason: typeof reason === 'string' ? cut(reason, longestReason) : undefined,
  };
}

/** @throws AutoscalerError `peer-answer` that names the replica and the field. */
export function parsePreflight(json: unknown, peer: Peer): PreflightAnswer {
  const fields = object(json, peer, 'preflight');
  const { reasons } = fields;
  if (!Array.isArray(reasons)) throw wrong(peer, 'reasons', reasons);
  const told = reasons
    .slice(0, mostReasons)
    .map((one) => (typeof one === 'string' ? cut(one, longestReason) : quoted(one)));
  if (reasons.length > mostReasons) told.push(`${reasons.length - mostReasons} more`);
  return { replica: name(fields, peer), ok: flag(fields, 'ok', peer), reasons: told };
}

function object(value: unknown, peer: Peer, name: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(peer, name, value);
  return value as Fields;
}

function text(fields: Fields, name: string, peer: Peer): string {
  const value = fields[name];
  if (typeof value !== 'string') throw wrong(peer, name, value);
  return value;
}

/** The replica's name, which is quoted wherever it is told of. */
function name(fields: Fields, peer: Peer): string {
  return cut(text(fields, 'replica', peer));
}

function flag(fields: Fields, name: string, peer: Peer): boolean {
  const value = fields[name];
  if (typeof value !== 'boolean') throw wrong(peer, name, value);
  return value;
}

function count(fields: Fields, name: string, peer: Peer): number {
  const value = fields[name];
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) throw wrong(peer, name, value);
  return value;
}

/** Times come as milliseconds or as ISO 8601. */
function time(fields: Fields, name: string, peer: Peer): number {
  const value = fields[name];
  const ms = typeof value === 'string' ? Date.parse(value) : value;
  if (typeof ms !== 'number' || !Number.isFinite(ms)) throw wrong(peer, name, value);
  return ms;
}

function wrong(peer: Peer, name: string, value: unknown): AutoscalerError {
  return new AutoscalerError('peer-answer', `DLX ${peerText(peer)} answered with ${cut(name)} ${quoted(value)}`);
}
