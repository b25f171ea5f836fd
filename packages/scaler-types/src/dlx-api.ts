/**
 * The HTTP API of the DLX for the autoscaler and scalers, as JSON: paths, questions, answers, and the codes of its own
 * answers to requests. Both ends read and write them by this file alone.
 */
import { ScalerError } from './errors.ts';
import type { ResourceRef } from './resource.ts';
import { cut, quoted } from './shown.ts';

/** The questions, by name; on the control port where there is a token, else on the infrastructure port. */
export const dlxQuestions = {
  /** Answers which resources are in use: {@link ActivityAnswer}. */
  activity: { method: 'GET', path: '/activity' },
  /** Answers whether a resource has no request under way, and holds later ones: {@link FenceRequest}, {@link FenceAnswer}. */
  fence: { method: 'POST', path: '/fence' },
  /** Answers whether this replica could stand in for a resource: {@link PreflightRequest}, {@link PreflightAnswer}. */
  preflight: { method: 'POST', path: '/preflight' },
  /** Answers whether this replica reaches another one: {@link ReachRequest}, {@link ReachAnswer}. On the control port alone. */
  reach: { method: 'POST', path: '/reach' },
  /** Answers on which ports this replica listens: {@link ListeningRequest}, {@link ListeningAnswer}. */
  listening: { method: 'POST', path: '/listening' },
} as const;

/** Names and default numbers of the DLX's ports, as its Service has them. */
export const dlxPorts = {
  /** Health, metrics, and the questions where there is no token. */
  infra: { name: 'infra', port: 8081 },
  /** The questions, behind a token. */
  control: { name: 'control', port: 8083 },
} as const;

/**
 * How a request to the DLX ends; each ends in exactly one way. All but `forwarded` and `client-gone` are codes of its
 * answers ({@link dlxRefusal}), and all are values of the label `outcome`.
 */
export const outcomeCodes = [
  'forwarded',
  'client-gone',
  'wake-timeout',
  'wake-failed',
  'overflow',
  'upstream-connect',
  'upstream-timeout',
  'upstream-idle',
  'upstream-reset',
  'draining',
  'not-woken',
  'no-route',
  'bad-request',
] as const;
export type OutcomeCode = (typeof outcomeCodes)[number];

/** The media type of the DLX's own answers (RFC 9457). */
export const problemType = 'application/problem+json';

/** The code of an answer that the DLX gave instead of forwarding; undefined: the answer is an endpoint's. */
export function dlxRefusal(contentType: string | undefined, body: string): OutcomeCode | undefined {
  if (contentType?.startsWith(problemType) !== true) return undefined;
  try {
    const { code } = JSON.parse(body) as { code?: unknown };
    return outcomeCodes.find((one) => one === code);
  } catch {
    return undefined;
  }
}

/** One replica's count for one resource. */
export interface ResourceActivity {
  held: number;
  inFlight: number;
  /** Open streams, which are in flight too. */
  openStreams: number;
  /** Milliseconds since the last arrival that counts; undefined: none since the replica started. */
  lastArrivalAgeMs: number | undefined;
  /** Milliseconds since the last end of one that counts; undefined: none since then, or a replica of an older version. */
  lastEndAgeMs: number | undefined;
}

/** The body of the answer to `GET /activity`. */
export interface ActivityBody {
  replica: string;
  /** Milliseconds since the Unix epoch, by the replica's clock; identifies its start. */
  startedAt: number;
  /** The time of the answer, by the same clock. */
  now: number;
  draining: boolean;
  /** By `namespace/name`; a resource without any arrival is absent. */
  resources: Readonly<Record<string, ResourceActivity & { arrivals: number }>>;
}

/** An {@link ActivityBody} as it is read. */
export interface ActivityAnswer {
  replica: string;
  startedAt: number;
  /** Milliseconds for which the replica has counted. */
  upMs: number;
  resources: ReadonlyMap<string, ResourceActivity>;
}

/** The body of `POST /fence`. */
export interface FenceRequest {
  resource: ResourceRef;
  /** The epoch of the park. */
  epoch: string;
}

/** The answer to `POST /fence`. */
export interface FenceAnswer {
  replica: string;
  /** Whether no request of the resource is held or in flight. */
  clear: boolean;
  held: number;
  inFlight: number;
  /** The epoch of the request. */
  epoch: string;
  reason?: string | undefined;
}

/** The body of `POST /preflight`. */
export interface PreflightRequest {
  resource: ResourceRef;
}

/** The answer to `POST /preflight`. */
export interface PreflightAnswer {
  replica: string;
  ok: boolean;
  /** The reasons why not; empty where `ok`. */
  reasons: readonly string[];
}

/** The body of `POST /reach`: the infrastructure port of another replica. */
export interface ReachRequest {
  address: string;
  port: number;
}

/** The answer to `POST /reach`. */
export interface ReachAnswer {
  replica: string;
  /** Whether a connection was taken there. */
  reached: boolean;
}

/** The body of `POST /listening`. */
export interface ListeningRequest {
  /** At most {@link mostPortsAsked}. */
  ports: readonly number[];
}

/** The answer to `POST /listening`. */
export interface ListeningAnswer {
  replica: string;
  /** Those of the asked ports that it listens on. */
  listening: readonly number[];
}

/** Ports of one `POST /listening`. */
export const mostPortsAsked = 256;

type Fields = Record<string, unknown>;

/** Characters of a reason that are kept, and reasons of one answer. */
const longestReason = 200;
const mostReasons = 8;

/** @throws ScalerError `invalid-answer` that names the field. */
export function parseActivity(json: unknown): ActivityAnswer {
  const fields = object(json, 'activity');
  const startedAt = time(fields, 'startedAt');
  const resources = Object.entries(object(fields['resources'], 'resources'));
  return {
    replica: replicaOf(fields),
    startedAt,
    upMs: time(fields, 'now') - startedAt,
    resources: new Map(resources.map(([key, value]) => [key, parseResourceActivity(object(value, key))])),
  };
}

function parseResourceActivity(fields: Fields): ResourceActivity {
  const age = (name: string) => (fields[name] === undefined || fields[name] === null ? undefined : count(fields, name));
  return {
    held: count(fields, 'held'),
    inFlight: count(fields, 'inFlight'),
    openStreams: count(fields, 'openStreams'),
    lastArrivalAgeMs: age('lastArrivalAgeMs'),
    lastEndAgeMs: age('lastEndAgeMs'),
  };
}

/** @throws ScalerError `invalid-answer` that names the field. */
export function parseFence(json: unknown): FenceAnswer {
  const fields = object(json, 'fence');
  const { reason } = fields;
  return {
    replica: replicaOf(fields),
    clear: flag(fields, 'clear'),
    held: count(fields, 'held'),
    inFlight: count(fields, 'inFlight'),
    epoch: text(fields, 'epoch'),
    reason: typeof reason === 'string' ? cut(reason, longestReason) : undefined,
  };
}

/** @throws ScalerError `invalid-answer` that names the field. */
export function parsePreflight(json: unknown): PreflightAnswer {
  const fields = object(json, 'preflight');
  const { reasons } = fields;
  if (!Array.isArray(reasons)) throw wrong('reasons', reasons);
  const kept = reasons
    .slice(0, mostReasons)
    .map((one) => (typeof one === 'string' ? cut(one, longestReason) : quoted(one)));
  if (reasons.length > mostReasons) kept.push(`${reasons.length - mostReasons} more`);
  return { replica: replicaOf(fields), ok: flag(fields, 'ok'), reasons: kept };
}

/** @throws ScalerError `invalid-answer` that names the field. */
export function parseReach(json: unknown): ReachAnswer {
  const fields = object(json, 'reach');
  return { replica: replicaOf(fields), reached: flag(fields, 'reached') };
}

/** Reads the body of `POST /reach`; undefined when it is no such body. */
export function parseReachRequest(body: unknown): ReachRequest | undefined {
  const { address, port } = (body ?? {}) as { address?: unknown; port?: unknown };
  const isPort = typeof port === 'number' && Number.isInteger(port) && port > 0 && port < 65_536;
  return typeof address === 'string' && isPort ? { address, port } : undefined;
}

/** @throws ScalerError `invalid-answer` that names the field. */
export function parseListening(json: unknown): ListeningAnswer {
  const fields = object(json, 'listening');
  const { listening } = fields;
  if (!isPorts(listening)) throw wrong('listening', listening);
  return { replica: replicaOf(fields), listening };
}

function isPorts(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.length <= mostPortsAsked && value.every((one) => Number.isSafeInteger(one));
}

/** Reads the body of `POST /listening`; undefined when it is no such body. */
export function parseListeningRequest(body: unknown): ListeningRequest | undefined {
  const { ports } = (body ?? {}) as { ports?: unknown };
  return isPorts(ports) ? { ports } : undefined;
}

/** Reads the body of `POST /fence`; undefined when it is no such body. */
export function parseFenceRequest(body: unknown): FenceRequest | undefined {
  const { epoch } = (body ?? {}) as { epoch?: unknown };
  const asked = parsePreflightRequest(body);
  return asked === undefined || typeof epoch !== 'string' ? undefined : { ...asked, epoch };
}

/** Reads the body of `POST /preflight`; undefined when it is no such body. */
export function parsePreflightRequest(body: unknown): PreflightRequest | undefined {
  const { resource } = (body ?? {}) as { resource?: unknown };
  const { namespace, name } = (resource ?? {}) as { namespace?: unknown; name?: unknown };
  return typeof namespace === 'string' && typeof name === 'string' ? { resource: { namespace, name } } : undefined;
}

function object(value: unknown, name: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(name, value);
  return value as Fields;
}

function text(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== 'string') throw wrong(name, value);
  return value;
}

/** The replica's name, cut for messages. */
function replicaOf(fields: Fields): string {
  return cut(text(fields, 'replica'));
}

function flag(fields: Fields, name: string): boolean {
  const value = fields[name];
  if (typeof value !== 'boolean') throw wrong(name, value);
  return value;
}

function count(fields: Fields, name: string): number {
  const value = fields[name];
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) throw wrong(name, value);
  return value;
}

/** Times come as milliseconds or as ISO 8601. */
function time(fields: Fields, name: string): number {
  const value = fields[name];
  const ms = typeof value === 'string' ? Date.parse(value) : value;
  if (typeof ms !== 'number' || !Number.isFinite(ms)) throw wrong(name, value);
  return ms;
}

function wrong(name: string, value: unknown): ScalerError {
  return new ScalerError('invalid-answer', `${cut(name)} ${quoted(value)}`);
}
