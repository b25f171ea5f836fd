import { type Pause, type QuietRule, type ScaleResource, parseAnyDuration, shown } from '@scaler/scaler-types';
import { type Options, type Routing, routings } from './options.ts';
import {
  cutList,
  parseAnyPositiveDuration,
  parseBoolean,
  parseChoice,
  parseCount,
  parseHosts,
  parseMetrics,
  parsePause,
  parseQuietRules,
  parseServiceNames,
  parseTcpPorts,
  parseTime,
  parseVeto,
  type Veto,
} from './values.ts';
import type { TcpPort } from '../ports/protocol.ts';

import { longestList, longestValue, mostItems, PastBound } from './past-bound.ts';
import type { SettingProblem } from './setting-problem.ts';
import { cutTimes } from './times.ts';

/** What a workload's `scaler/…` annotations ask for, defaults filled in. */
export interface Settings {
  readonly routing: Routing;
  /** Undefined: every Service of the namespace that selects the pods. */
  readonly services: readonly string[] | undefined;
  readonly metrics: readonly ScaleResource[];
  /** Metrics are meant to judge it, also where what they are cannot be read: it is routed as it was. */
  readonly measured: boolean;
  readonly idleAfterMs: number;
  readonly cooldownMs: number | undefined;
  readonly minAwakeMs: number | undefined;
  readonly pause: Pause | undefined;
  /** ISO 8601. */
  readonly busyUntil: string | undefined;
  readonly veto: Veto | undefined;
  /** What a wake asks for. Undefined: as many as before it slept. */
  readonly replicas: number | undefined;
  readonly dryRun: boolean;
  readonly settleMs: number;
  readonly holdTimeoutMs: number | undefined;
  readonly connectTimeoutMs: number | undefined;
  readonly responseTimeoutMs: number | undefined;
  readonly idleTimeoutMs: number | undefined;
  readonly holdLimit: number | undefined;
  readonly hosts: readonly string[];
  readonly quietRules: readonly QuietRule[];
  readonly tcpPorts: readonly TcpPort[];
  readonly proxyProtocol: 'v1' | 'v2' | undefined;
  readonly mesh: 'refuse' | 'allow';
  readonly followZero: boolean;
}

type Reader<T> = { readonly parse: (text: string) => T; readonly doc: string };

/** Annotation → parser, doc. README has the same table. */
export const settingTable = {
  routing: reader(parseChoice(routings), '`auto`, `overlay`, `selector` or `always`'),
  services: reader(
    parseServiceNames,
    'Services to divert, comma-separated; default: every Service of the namespace that selects the pods',
  ),
  metrics: reader(
    parseMetrics,
    'Idle when all are at or below their threshold: `requests_per_5m<=0, jobs_per_1h<=0.5`, or a JSON list `[{"metric_name":"requests","window_size":"5m","threshold":0}]`, whose items may have `source`, `labels` and `object`, or `none`',
  ),
  'idle-after': reader(
    parseAnyPositiveDuration,
    "Idle after so long without a request, by the DLX's own count (`always` only)",
  ),
  cooldown: reader(parseAnyDuration, 'Not parked for so long after a wake, an update or a cancelled park'),
  'min-awake': reader(parseAnyDuration, 'Not put to sleep for so long after it became awake'),
  pause: reader(
    parsePause,
    '`awake`: never put to sleep, and woken; `asleep`: put to sleep whatever its metrics say, and no request wakes it; `as-is`: neither. With an end: `awake until 2026-12-01T08:00:00Z`',
  ),
  'busy-until': reader(
    parseTime,
    'A busy lease: not put to sleep before that RFC 3339 time. The autoscaler writes it for `PUT /busy/…`',
  ),
  veto: reader(
    parseVeto,
    '`service:port/path` of the same namespace, asked before it is put to sleep: 200 or 204 lets it, 409 or 423 does not; anything else is unknown, so it stays awake',
  ),
  replicas: reader(parseCount, 'How many replicas a wake asks for; default: as many as before it slept'),
  'dry-run': reader(parseBoolean, '`true`: judged and shown as what would be done; never put to sleep'),
  settle: reader(parseAnyDuration, 'The option `settle` for this workload'),
  'hold-timeout': reader(parseAnyPositiveDuration, 'How long one request may be held'),
  'connect-timeout': reader(parseAnyPositiveDuration, 'How long a connection to a pod may take; then another is tried'),
  'response-timeout': reader(
    parseAnyDuration,
    'How long a pod may take to begin its answer; `0`: as long as the option `maxResponseTimeout` allows',
  ),
  'idle-timeout': reader(
    parseAnyDuration,
    'How long a body, a stream, a WebSocket or a raw connection may be silent; `0`: as long as the option `maxIdleTimeout` allows',
  ),
  'hold-limit': reader(parseCount, 'How many requests may be held at once'),
  hosts: reader(
    parseHosts,
    'Hosts that name it on the shared port; only those that an Ingress or HTTPRoute of the same namespace has, or an admin allows',
  ),
  quiet: reader(
    parseQuietRules,
    'Requests that neither wake nor count: a JSON list of `{method, path, headers, port}`',
  ),
  'tcp-ports': reader(
    parseTcpPorts,
    'Service ports that speak another protocol than HTTP, by number or name: `5432, redis, 3306=server`. `=server` where the server speaks first, `=client` where the client does. Comes before `appProtocol`, the name and the number of the port',
  ),
  'proxy-protocol': reader(
    parseChoice(['v1', 'v2'] as const),
    '`v1`, `v2`: raw connections from the DLX begin with a PROXY protocol header, which names the client',
  ),
  mesh: reader(
    parseChoice(['refuse', 'allow'] as const),
    '`allow`: the pods are in a service mesh and the DLX may call them all the same',
  ),
  'follow-zero': reader(
    parseBoolean,
    '`false`: replicas that another client set to 0 are left alone, and no request wakes them',
  ),
} as const;

export type SettingName = keyof typeof settingTable;

/** What was read, by setting. */
export type SettingValues = { readonly [N in SettingName]?: ReturnType<(typeof settingTable)[N]['parse']> };

// Ours, not the user's: see kube's state.
const ownAnnotations = new Set(['scaler/state']);
const prefix = 'scaler/';

export type Annotations = Readonly<Record<string, string>>;

/** What each annotation says. Wrong ones become problems; times are cut to what the options allow. */
export function readSettings(
  annotations: Annotations,
  options: Options,
): { values: SettingValues; problems: readonly SettingProblem[] } {
  const problems: SettingProblem[] = [];
  const names = (Object.keys(settingTable) as SettingName[]).filter((name) => hasSetting(annotations, name));
  const read = names.flatMap((name) => {
    const text = annotations[prefix + name] ?? '';
    const tell = (why: string): void => {
      problems.push({ annotation: prefix + name, message: `${prefix}${name} is ${shown(text)}: ${why}`, fatal: true });
    };
    const value = readValue(name, text, tell);
    return value === undefined ? [] : [[name, value] as const];
  });
  const values = Object.fromEntries(read) as SettingValues;
  const cut = cutTimes(values, options);
  return {
    values: { ...values, ...cut.values },
    problems: [...problems, ...unknownAnnotations(annotations), ...cut.problems],
  };
}

/** Undefined where nothing can be made of it; of a list that is past a bound, what is within. */
function readValue(name: SettingName, text: string, tell: (why: string) => void): unknown {
  const longest = name in mostItems ? longestList : longestValue;
  if (text.length > longest) tell(`has ${text.length} characters, at most ${longest} are allowed`);
  try {
    if (text.length <= longest) return settingTable[name].parse(text.trim());
    return name in mostItems ? settingTable[name].parse(cutList(text, longest).trim()) : undefined;
  } catch (error) {
    tell((error as Error).message);
    return error instanceof PastBound ? error.kept : undefined;
  }
}

export function hasSetting(annotations: Annotations, name: SettingName): boolean {
  return annotations[prefix + name] !== undefined;
}

/**
 * Reads a workload's annotations. What it does not have, or has wrong, is as `defaults` say, and else as the options do:
 * so a sleeper still wakes.
 */
export function parseSettings(
  annotations: Annotations,
  options: Options,
  defaults: SettingValues = {},
): { settings: Settings; problems: readonly SettingProblem[] } {
  const { values, problems } = readSettings(annotations, options);
  const unread = problems.some(({ annotation, fatal }) => fatal && annotation === `${prefix}metrics`);
  return { settings: settingsOf({ ...defaults, ...values }, options, unread), problems };
}

function settingsOf(values: SettingValues, options: Options, unread: boolean): Settings {
  const metrics = values.metrics ?? options.defaultMetrics;
  return {
    routing: values.routing ?? options.defaultRouting,
    services: values.services,
    metrics,
    measured: metrics.length > 0 || unread,
    idleAfterMs: values['idle-after'] ?? options.defaultIdleAfterMs,
    cooldownMs: values.cooldown,
    minAwakeMs: values['min-awake'],
    pause: values.pause,
    busyUntil: values['busy-until'],
    veto: values.veto,
    replicas: values.replicas,
    dryRun: values['dry-run'] ?? false,
    settleMs: values.settle ?? options.settleMs,
    holdTimeoutMs: values['hold-timeout'],
    connectTimeoutMs: values['connect-timeout'],
    responseTimeoutMs: values['response-timeout'],
    idleTimeoutMs: values['idle-timeout'],
    holdLimit: values['hold-limit'],
    hosts: values.hosts ?? [],
    quietRules: values.quiet ?? [],
    tcpPorts: values['tcp-ports'] ?? [],
    proxyProtocol: values['proxy-protocol'],
    mesh: values.mesh ?? 'refuse',
    followZero: values['follow-zero'] ?? true,
  };
}

/** So many are named, the others counted: one write may have thousands of them. */
const mostUnknown = 3;
const knownAnnotations = Object.keys(settingTable).map((name) => prefix + name);
const knownText = knownAnnotations.join(', ');
const notUnknown = new Set([...ownAnnotations, ...knownAnnotations]);

function unknownAnnotations(annotations: Annotations): SettingProblem[] {
  const named: SettingProblem[] = [];
  let more = 0;
  for (const annotation of Object.keys(annotations)) {
    if (!annotation.startsWith(prefix) || notUnknown.has(annotation)) continue;
    if (named.length === mostUnknown) more += 1;
    else named.push({ annotation, message: `${annotation} is not known; known are ${knownText}`, fatal: false });
  }
  if (more === 0) return named;
  return [...named, { annotation: prefix, message: `${more} more annotations of scaler/ are not known`, fatal: false }];
}

function reader<T>(parse: (text: string) => T, doc: string): Reader<T> {
  return { parse, doc };
}
