import {
  type Pause,
  pauseModes,
  parseAnyDuration,
  parseDuration,
  parseQuantity,
  parseScaleResource,
  type QuietRule,
  type ScaleResource,
  shown,
} from '@scaler/scaler-types';
import { mostItems, readUpTo, wholeItems } from './past-bound.ts';
import type { TcpPort } from '../ports/protocol.ts';

/** Parsers for the texts of options and annotations. Each throws an Error whose message says what is allowed. */

const dnsLabel = '[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?';
const hostPattern = new RegExp(`^(?:\\*\\.)?${dnsLabel}(?:\\.${dnsLabel})*$`);
const serviceName = new RegExp(`^${dnsLabel}$`);
const shortMetric = /^([A-Za-z_:][A-Za-z0-9_:./-]*)_per_([0-9a-z.]+)\s*<=\s*(\S+)$/;

export function parseList(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

export function parseBoolean(text: string): boolean {
  if (text === 'true') return true;
  if (text === 'false') return false;
  throw new Error('must be true or false');
}

export function parseCount(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new Error('must be a whole number of at least 1');
}

export const parsePositiveDuration = positive(parseDuration);
/** For what is cut to a maximum: it may be longer than can be counted. */
export const parseAnyPositiveDuration = positive(parseAnyDuration);

function positive(parse: (text: string) => number): (text: string) => number {
  return (text) => {
    const ms = parse(text);
    if (ms > 0) return ms;
    throw new Error('must be longer than 0');
  };
}

export function parseChoice<T extends string>(allowed: readonly T[]): (text: string) => T {
  return (text) => {
    const found = allowed.find((choice) => choice === text);
    if (found !== undefined) return found;
    throw new Error(`must be one of ${allowed.join(', ')}`);
  };
}

/** Hosts as an Ingress writes them: `a.example.com`, `*.example.com`; lower-cased, without a final dot. */
export function parseHosts(text: string): string[] {
  return readUpTo(parseList(text), mostItems.hosts, (hosts) => hosts.map(hostOf));
}

/** The same of an admin, who may write as many as there are. */
export function parseAllHosts(text: string): string[] {
  return parseList(text).map(hostOf);
}

/** As DNS has it. */
const longestHost = 253;

function hostOf(host: string): string {
  const plain = (host.endsWith('.') ? host.slice(0, -1) : host).toLowerCase();
  if (plain.length <= longestHost && hostPattern.test(plain)) return plain;
  throw new Error(`${shown(host)} is not a host name: write it as a.example.com or *.example.com`);
}

export function parseServiceNames(text: string): string[] {
  const names = [...new Set(parseList(text))];
  if (names.length === 0)
    throw new Error('names no Service; leave the annotation out to use every Service that selects the pods');
  return readUpTo(names, mostItems.services, (some) => {
    const wrong = some.find((name) => !serviceName.test(name));
    if (wrong !== undefined) throw new Error(`${shown(wrong)} is not the name of a Service`);
    return [...some];
  });
}

/** `requests_per_5m<=0, jobs_per_1h<=0.5`, or a JSON list with v3io's names or ours; `none` and `[]` say that there is none. */
export function parseMetrics(text: string): ScaleResource[] {
  const trimmed = text.trim();
  if (trimmed === 'none') return [];
  if (trimmed.startsWith('[')) {
    return readJsonItems(trimmed, mostItems.metrics, (value) => bounded(parseScaleResource(value)));
  }
  const items = parseList(trimmed);
  if (items.length === 0) throw new Error('is empty: write it as requests_per_5m<=0, or none');
  return readUpTo(items, mostItems.metrics, (some) => some.map((item) => bounded(metricOfText(item))));
}

/** Of a metric's name, of each label and of what it is of: a URL is made of them. */
const longestName = 256;
const mostLabels = 16;

function bounded(metric: ScaleResource): ScaleResource {
  const { metricName, labels = {}, object } = metric;
  const texts = [metricName, ...Object.entries(labels).flat(), ...Object.values(object ?? {})];
  const long = texts.find((text) => text.length > longestName);
  if (long !== undefined) throw new Error(`${shown(long)} is longer than ${longestName} characters`);
  if (texts.length > 2 * mostLabels + 4)
    throw new Error(`the metric ${shown(metricName)} has more than ${mostLabels} labels`);
  return metric;
}

function metricOfText(text: string): ScaleResource {
  const short = text.length <= 2 * longestName;
  const [, metricName, window, threshold] = (short ? shortMetric.exec(text) : undefined) ?? [];
  if (metricName === undefined || window === undefined || threshold === undefined) {
    throw new Error(`${shown(text)} is not a scale metric: write it as requests_per_5m<=0`);
  }
  return {
    metricName,
    windowSize: parsePositiveDuration(window),
    threshold: parseQuantity(threshold),
  };
}

const rfc3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/;

/** A time as RFC 3339 has it, as ISO 8601 in UTC. */
export function parseTime(text: string): string {
  const [, year, month, day] = rfc3339.exec(text) ?? [];
  const ms = Date.parse(text.toUpperCase());
  // `Date` takes 30 February for 2 March.
  const exists = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day))).getUTCDate() === Number(day);
  if (year === undefined || Number.isNaN(ms) || !exists)
    throw new Error('must be an RFC 3339 time such as 2026-12-01T08:00:00Z');
  return new Date(ms).toISOString();
}

/** `asleep`, or `awake until 2026-12-01T08:00:00Z`. */
export function parsePause(text: string): Pause {
  const [, word, end] = /^(\S+)(?:\s+until\s+(\S+))?$/.exec(text) ?? [];
  const mode = pauseModes.find((one) => one === word);
  if (mode === undefined) {
    throw new Error(
      `must be one of ${pauseModes.join(', ')}, with an end or without: awake until 2026-12-01T08:00:00Z`,
    );
  }
  return end === undefined ? { mode } : { mode, until: parseTime(end) };
}

/** What is asked before a resource is put to sleep: a Service of its own namespace. */
export interface Veto {
  readonly service: string;
  readonly port: number;
  /** With its query. */
  readonly path: string;
}

const vetoPattern = new RegExp(`^(${dnsLabel}):(\\d{1,5})(/[!-~]*)$`);

/** `service:port/path`. A host, another namespace or a URL is not one. */
export function parseVeto(text: string): Veto {
  const [, service, port, path] = vetoPattern.exec(text) ?? [];
  const number = Number(port);
  if (service === undefined || path === undefined || number < 1 || number > 65_535) {
    throw new Error('must be service:port/path, with a Service of the same namespace: web:8080/may-sleep');
  }
  return { service, port: number, path };
}

const portName = /^(?=.*[a-z])[a-z0-9](?:[a-z0-9-]{0,13}[a-z0-9])?$/;

/** `5432, redis, 3306=server`: ports by number or name, each with who speaks first where that is known. */
export function parseTcpPorts(text: string): TcpPort[] {
  const items = parseList(text);
  if (items.length === 0) throw new Error('names no port: write it as 5432, redis');
  return readUpTo(items, mostItems['tcp-ports'], (some) => {
    const ports = some.map(tcpPortOf);
    const named = new Set<TcpPort['port']>();
    for (const { port } of ports) {
      if (named.has(port)) throw new Error(`${port} is named twice`);
      named.add(port);
    }
    return ports;
  });
}

/** A port's name, an equals sign with room around it, and who speaks first. */
const longestPort = 32;

function tcpPortOf(item: string): TcpPort {
  const short = item.length <= longestPort;
  const [, name = '', speaksFirst] = (short ? /^([^=\s]+)(?:\s*=\s*(client|server))?$/.exec(item) : undefined) ?? [];
  const number = Number(name);
  const isNumber = /^[1-9]\d*$/.test(name) && number <= 65_535;
  if (!isNumber && !portName.test(name)) {
    throw new Error(`${shown(item)} is not a port: write it as 5432, redis, 3306=server or cache=client`);
  }
  return { port: isNumber ? number : name, speaksFirst: speaksFirst as TcpPort['speaksFirst'] };
}

/** A JSON list of {@link QuietRule}. */
export function parseQuietRules(text: string): QuietRule[] {
  return readJsonItems(text, mostItems.quiet, (value) => {
    const fields = asRecord(value, 'a quiet rule');
    const unknown = Object.keys(fields).find((key) => !['method', 'path', 'headers', 'port'].includes(key));
    if (unknown !== undefined)
      throw new Error(`a quiet rule has no ${shown(unknown)}: allowed are method, path, headers and port`);
    if (Object.keys(fields).length === 0) throw new Error('a quiet rule without a field would match every request');
    return quietRule(fields);
  });
}

/** Each request is looked at for each of them. */
const mostRuleHeaders = 8;
const longestRuleText = 1_024;

function quietRule({ method, path, headers, port }: Record<string, unknown>): QuietRule {
  const rule: QuietRule = {};
  if (method !== undefined) rule.method = asText(method, 'method').toUpperCase();
  if (path !== undefined) rule.path = asText(path, 'path');
  if (rule.path !== undefined && !rule.path.startsWith('/'))
    throw new Error(`the path ${shown(rule.path)} must begin with /`);
  if (headers !== undefined) {
    const entries = Object.entries(asRecord(headers, 'headers'));
    if (entries.length > mostRuleHeaders)
      throw new Error(`a quiet rule has ${entries.length} headers, at most ${mostRuleHeaders} are allowed`);
    rule.headers = Object.fromEntries(
      entries.map(([name, value]) => [
        asText(name, 'the name of a header').toLowerCase(),
        asText(value, `header ${name}`),
      ]),
    );
  }
  if (port !== undefined) {
    if (!Number.isInteger(port) || Number(port) < 1 || Number(port) > 65_535)
      throw new Error('port must be a whole number from 1 to 65535');
    rule.port = Number(port);
  }
  return rule;
}

function readJsonItems<T>(text: string, most: number, read: (value: unknown) => T): T[] {
  return readUpTo(parseJsonList(text), most, (items) => items.map(read));
}

/** Of a list that is longer than is read, the items that stand whole in what was read. */
export function cutList(text: string, length: number): string {
  const cut = text.slice(0, length);
  return cut.trimStart().startsWith('[') ? wholeItems(cut) : cut.slice(0, Math.max(0, cut.lastIndexOf(',')));
}

function parseJsonList(text: string): unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    // What is not JSON is quoted by V8.
    throw new Error(`is not JSON: ${(cause as Error).message.slice(0, 160)}`, { cause });
  }
  if (!Array.isArray(value)) throw new Error('must be a JSON list');
  return value;
}

function asRecord(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new Error(`${what} must be a JSON object`);
}

function asText(value: unknown, what: string): string {
  if (typeof value === 'string' && value !== '' && value.length <= longestRuleText) return value;
  throw new Error(`${what.slice(0, 80)} must be a text that is not empty, of at most ${longestRuleText} characters`);
}
