import type { HttpRequest } from '../exchange/carrier.ts';
import type { QuietRule } from '@scaler/scaler-types';

/** `health` is answered with the quiet status while asleep, `scrape` with 503: a scrape that succeeds is believed. */
export type Quiet = 'health' | 'scrape';

/** User agents that probe and scrape whatever they are pointed at; matched as prefixes. */
const agents: readonly (readonly [prefix: string, quiet: Quiet])[] = [
  ['kube-probe/', 'health'],
  ['GoogleHC/', 'health'],
  ['GoogleStackdriverMonitoring-UptimeChecks', 'health'],
  ['ELB-HealthChecker/', 'health'],
  ['Amazon-Route53-Health-Check-Service', 'health'],
  ['Envoy/HC', 'health'],
  ['Consul Health Check', 'health'],
  // Azure's Front Door, Load Balancer and Traffic Manager.
  ['Edge Health Probe', 'health'],
  ['Load Balancer Agent', 'health'],
  ['Azure Traffic Manager Endpoint Monitor', 'health'],
  // Cloudflare's documentation has both spellings.
  ['Mozilla/5.0 (compatible; Cloudflare-Traffic-Manager/', 'health'],
  ['Mozilla/5.0 (compatible; Cloudflare-Healthchecks/', 'health'],
  ['Mozilla/5.0 (compatible;Cloudflare-Healthchecks/', 'health'],
  ['Prometheus/', 'scrape'],
  ['vm_promscrape', 'scrape'],
  ['GrafanaAgent/', 'scrape'],
  ['Alloy/', 'scrape'],
  ['Datadog Agent/', 'scrape'],
];
/** By their first letter: most user agents are turned away by it. */
const byLetter = Map.groupBy(agents, ([prefix]) => prefix.charCodeAt(0));

/** Whether a request neither wakes nor counts as activity, by its user agent or the resource's own rules. */
export function quietOf(
  http: HttpRequest | undefined,
  rules: readonly QuietRule[] | undefined,
  port: number,
): Quiet | undefined {
  const agent = http?.head.userAgent;
  const alike = agent === undefined ? undefined : byLetter.get(agent.charCodeAt(0));
  if (agent !== undefined && alike !== undefined) {
    for (const [prefix, quiet] of alike) if (agent.startsWith(prefix)) return quiet;
  }
  if (rules === undefined || rules.length === 0) return undefined;
  return isMatched(prepared(rules), http ?? raw, port) ? 'health' : undefined;
}

/** The parts of a request that rules look at. */
type Asked = Pick<HttpRequest, 'method' | 'url' | 'fields'>;

/** A raw connection has no method, path or fields; a rule with a port alone matches it, too. */
const raw: Asked = { method: 'TCP', url: '', fields: () => new Map() };

/** Whether a text is the one that a rule names, or begins as it does. */
type Pattern = (text: string) => boolean;

/** A rule as it is asked. */
interface Prepared {
  readonly method: string | undefined;
  readonly port: number | undefined;
  readonly path: Pattern | undefined;
  /** By lower-case name. */
  readonly fields: readonly (readonly [name: string, wanted: Pattern])[];
}

interface PreparedRules {
  readonly rules: readonly Prepared[];
  /** The fields that any of them looks at. */
  readonly names: ReadonlySet<string>;
}

// A resource's rules stay the same object until the scaler lists it anew.
const known = new WeakMap<readonly QuietRule[], PreparedRules>();

function prepared(rules: readonly QuietRule[]): PreparedRules {
  const before = known.get(rules);
  if (before !== undefined) return before;
  const own = rules.map(prepare).filter(namesSomething);
  const made = { rules: own, names: new Set(own.flatMap(({ fields }) => fields.map(([name]) => name))) };
  known.set(rules, made);
  return made;
}

function prepare({ method, port, path, headers }: QuietRule): Prepared {
  const fields = Object.entries(headers ?? {}).map(
    ([name, wanted]) => [name.toLowerCase(), patternOf(wanted)] as const,
  );
  return { method, port, path: path === undefined ? undefined : patternOf(path), fields };
}

function patternOf(wanted: string): Pattern {
  if (!wanted.endsWith('*')) return (text) => text === wanted;
  const beginning = wanted.slice(0, -1);
  return (text) => text.startsWith(beginning);
}

/** A rule that names nothing would keep the resource asleep for ever. */
function namesSomething({ method, port, path, fields }: Prepared): boolean {
  return method !== undefined || port !== undefined || path !== undefined || fields.length > 0;
}

/**
 * Takes one look at each rule and, where a rule asks for some, one at each field: tenants write the ones, clients the
 * others.
 */
function isMatched({ rules, names }: PreparedRules, asked: Asked, port: number): boolean {
  const path = pathOf(asked.url);
  let fields: ReadonlyMap<string, string> | undefined;
  for (const rule of rules) {
    if (rule.method !== undefined && rule.method !== asked.method) continue;
    if (rule.port !== undefined && rule.port !== port) continue;
    if (rule.path !== undefined && !rule.path(path)) continue;
    if (rule.fields.length === 0) return true;
    fields ??= asked.fields(names);
    if (fieldsMatch(rule, fields)) return true;
  }
  return false;
}

function fieldsMatch(rule: Prepared, fields: ReadonlyMap<string, string>): boolean {
  for (const [name, wanted] of rule.fields) {
    const value = fields.get(name);
    if (value === undefined || !wanted(value)) return false;
  }
  return true;
}

function pathOf(url: string): string {
  const query = url.indexOf('?');
  return query === -1 ? url : url.slice(0, query);
}
