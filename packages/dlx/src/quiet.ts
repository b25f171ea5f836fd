import type { Carrier } from './carrier.ts';
import type { QuietRule } from '@scaler/scaler-types';

/** `health` is answered with the quiet status while asleep, `scrape` with 503: a scrape that succeeds is believed. */
export type Quiet = 'health' | 'scrape';

/** User agents that probe and scrape whatever they are pointed at; matched as prefixes. */
const agents: readonly (readonly [prefix: string, quiet: Quiet])[] = [
  ['kube-probe/', 'health'],
  ['Prometheus/', 'scrape'],
  ['GoogleHC/', 'health'],
  ['ELB-HealthChecker/', 'health'],
];
// Most user agents are turned away by their first letter.
const firstLetters = new Set(agents.map(([prefix]) => prefix.charCodeAt(0)));

/** Whether a request neither wakes nor counts as activity, by its user agent or the resource's own rules. */
export function quietOf(carrier: Carrier, rules: readonly QuietRule[] | undefined, port: number): Quiet | undefined {
  const agent = carrier.head.userAgent;
  if (agent !== undefined && firstLetters.has(agent.charCodeAt(0))) {
    for (const [prefix, quiet] of agents) if (agent.startsWith(prefix)) return quiet;
  }
  if (rules === undefined || rules.length === 0) return undefined;
  return rules.some((rule) => matches(rule, carrier, port)) ? 'health' : undefined;
}

function matches(rule: QuietRule, carrier: Carrier, port: number): boolean {
  // A rule that names nothing would keep the resource asleep for ever.
  if (rule.method === undefined && rule.path === undefined && rule.port === undefined && !namesHeader(rule))
    return false;
  if (rule.method !== undefined && rule.method !== carrier.method) return false;
  if (rule.port !== undefined && rule.port !== port) return false;
  if (rule.path !== undefined && !textMatches(rule.path, pathOf(carrier.url))) return false;
  for (const [name, wanted] of Object.entries(rule.headers ?? {})) {
    const value = carrier.field(name.toLowerCase());
    if (value === undefined || !textMatches(wanted, value)) return false;
  }
  return true;
}

function namesHeader(rule: QuietRule): boolean {
  return rule.headers !== undefined && Object.keys(rule.headers).length > 0;
}

function textMatches(pattern: string, text: string): boolean {
  return pattern.endsWith('*') ? text.startsWith(pattern.slice(0, -1)) : text === pattern;
}

function pathOf(url: string): string {
  const query = url.indexOf('?');
  return query === -1 ? url : url.slice(0, query);
}
