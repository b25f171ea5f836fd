import { type QuietRule, type ScaleResource, parseAnyDuration, shown, formatDuration } from '@scaler/scaler-types';
import { type OptionName, type Options, type Routing, routings } from './options.ts';
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
} from './values.ts';
import type { TcpPort } from '../ports/protocol.ts';
import { longestList, longestValue, mostItems, PastBound } from './past-bound.ts';
import { BoundedMap } from '@scaler/async';
import { keys } from '../workload/keys.ts';

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
  'idle-after': time(
    parseAnyPositiveDuration,
    'maxIdleAfter',
    "Idle after so long without a request, by the DLX's own count (`always` only)",
  ),
  cooldown: time(parseAnyDuration, 'maxCooldown', 'Not parked for so long after a wake, an update or a cancelled park'),
  'min-awake': time(parseAnyDuration, 'maxMinAwake', 'Not put to sleep for so long after it became awake'),
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
  settle: time(parseAnyDuration, 'maxSettle', 'The option `settle` for this workload'),
  'hold-timeout': time(parseAnyPositiveDuration, 'maxHoldTimeout', 'How long one request may be held'),
  'connect-timeout': time(
    parseAnyPositiveDuration,
    'maxConnectTimeout',
    'How long a connection to a pod may take; then another is tried',
  ),
  'response-timeout': time(
    parseAnyDuration,
    'maxResponseTimeout',
    'How long a pod may take to begin its answer; `0`: as long as the option `maxResponseTimeout` allows',
  ),
  'idle-timeout': time(
    parseAnyDuration,
    'maxIdleTimeout',
    'How long a body, a stream, a WebSocket or a raw connection may be silent; `0`: as long as the option `maxIdleTimeout` allows',
  ),
  'upstream-keep-alive': time(
    parseAnyDuration,
    'maxUpstreamKeepAlive',
    'How long a connection to a pod in HTTP/1 is kept for the next request; `0`: each request has one of its own, for an app that serves one connection at a time',
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

type Table = typeof settingTable;
export type SettingName = keyof Table;
type FieldOf<N extends SettingName> = Table[N] extends { most: undefined } ? Camel<N> : `${Camel<N>}Ms`;
type Camel<S extends string> = S extends `${infer A}-${infer B}` ? `${A}${Capitalize<Camel<B>>}` : S;

/** What was read: `idle-after` is `idleAfterMs`. Undefined where nothing is asked for. */
export type SettingValues = { readonly [N in SettingName as FieldOf<N>]?: ReturnType<Table[N]['parse']> | undefined };

/** What a workload's `scaler/…` annotations ask for, defaults filled in. */
export interface Settings extends SettingValues {
  readonly routing: Routing;
  readonly metrics: ScaleResource[];
  /** Metrics are meant to judge it, also where what they are cannot be read: it is routed as it was. */
  readonly measured: boolean;
  readonly idleAfterMs: number;
  readonly dryRun: boolean;
  readonly settleMs: number;
  readonly hosts: string[];
  readonly quiet: QuietRule[];
  readonly tcpPorts: TcpPort[];
  readonly mesh: 'refuse' | 'allow';
  readonly followZero: boolean;
}

/** An annotation that is wrong. The workload is not parked while one is `fatal`. */
export interface SettingProblem {
  readonly annotation: string;
  readonly message: string;
  /** False where something of it is used all the same, and for an annotation that is not known: it may be of a newer version. */
  readonly fatal: boolean;
}

/** What annotations ask for, and what is wrong with them. */
export interface SettingsRead {
  readonly settings: Settings;
  readonly problems: readonly SettingProblem[];
}

// Ours, not the user's: see kube's state.
const ownAnnotations = new Set(['scaler/state']);
const prefix = 'scaler/';

export type Annotations = Readonly<Record<string, string>>;

/**
 * What each annotation says. Wrong ones become problems. Times are cut to what an admin allows, which is a problem that keeps no
 * workload from sleeping or waking.
 */
export function readSettings(
  annotations: Annotations,
  options: Options,
): { values: SettingValues; problems: readonly SettingProblem[] } {
  const problems: SettingProblem[] = [];
  const cuts: SettingProblem[] = [];
  const names = (Object.keys(settingTable) as SettingName[]).filter((name) => hasSetting(annotations, name));
  const values = names.map((name) => {
    const annotation = prefix + name;
    const text = annotations[annotation] ?? '';
    const value = readValue(name, text, (why) => {
      problems.push({ annotation, message: `${annotation} is ${shown(text)}: ${why}`, fatal: true });
    });
    const field = name.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
    const { most } = settingTable[name];
    if (most === undefined || value === undefined) return [field, value];
    const mostMs = options[`${most}Ms`];
    if (Number(value) > mostMs) {
      const message = `${annotation} is longer than ${formatDuration(mostMs)}, which the option ${most} allows at most: it is cut to that`;
      cuts.push({ annotation, message, fatal: false });
    }
    return [`${field}Ms`, value === 0 && endless.includes(name) ? mostMs : Math.min(Number(value), mostMs)];
  });
  return {
    values: Object.fromEntries(values.filter(([, value]) => value !== undefined)) as SettingValues,
    problems: [...problems, ...unknownAnnotations(annotations), ...cuts],
  };
}

/** Times of which 0 means as long as there may be. */
const endless: readonly SettingName[] = ['response-timeout', 'idle-timeout'];

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
export function parseSettings(annotations: Annotations, options: Options, defaults: SettingValues = {}): SettingsRead {
  const { values: own, problems } = readSettings(annotations, options);
  const unread = problems.some(({ annotation, fatal }) => fatal && annotation === `${prefix}metrics`);
  const values = { ...defaults, ...own };
  const metrics = values.metrics ?? options.defaultMetrics;
  const settings = {
    ...values,
    metrics,
    measured: metrics.length > 0 || unread,
    routing: values.routing ?? options.defaultRouting,
    idleAfterMs: values.idleAfterMs ?? options.defaultIdleAfterMs,
    settleMs: values.settleMs ?? options.settleMs,
    dryRun: values.dryRun ?? false,
    hosts: values.hosts ?? [],
    quiet: values.quiet ?? [],
    tcpPorts: values.tcpPorts ?? [],
    mesh: values.mesh ?? 'refuse',
    followZero: values.followZero ?? true,
  };
  return { settings, problems };
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

function reader<T>(parse: (text: string) => T, doc: string) {
  return { parse, doc, most: undefined } as const;
}

/** `most`: the option that says how long it may be. */
function time(parse: (text: string) => number, most: OptionName & `max${string}`, doc: string) {
  return { parse, doc, most } as const;
}

/** Bytes of wordings that are kept, and of one: what few workloads ask for in many words is theirs alone. */
const mostBytes = 4 * 1024 * 1024;
const longestWording = 4_096;
/** What is read of a wording takes about so much of its length. */
const readBytes = 6;

/**
 * Thousands of workloads ask for the same, most of them for nothing: each short wording is parsed once and all share what
 * it says. What was read of the annotations of one workload is kept as long as they are. With `dryRun` every workload is
 * as if its annotations said so.
 */
export function createSettingsReader(options: Options, dryRun: boolean) {
  const shared = new BoundedMap<SettingsRead>({ mostBytes });
  const own = new WeakMap<Annotations, { readonly defaults: SettingValues | undefined; readonly read: SettingsRead }>();
  const parse = (asked: Annotations, defaults: SettingValues | undefined): SettingsRead => {
    const { settings, problems } = parseSettings(asked, options, defaults);
    return { problems, settings: dryRun ? { ...settings, dryRun } : settings };
  };
  const readShared = (
    namespace: string,
    annotations: Annotations,
    defaults: SettingValues | undefined,
  ): SettingsRead => {
    if (isLong(annotations)) return parse(annotations, defaults);
    const { [keys.state]: _ours, ...asked } = annotations;
    const wording = JSON.stringify([asked, defaults]);
    const found = shared.get(wording);
    if (found !== undefined) return found;
    const read = parse(asked, defaults);
    if (wording.length <= 2 * longestWording) shared.set(wording, read, namespace, wording.length * readBytes);
    return read;
  };
  /** Reads a workload's annotations, with the defaults of its namespace. */
  return (namespace: string, annotations: Annotations, defaults?: SettingValues): SettingsRead => {
    const known = own.get(annotations);
    if (known !== undefined && known.defaults === defaults) return known.read;
    const read = readShared(namespace, annotations, defaults);
    own.set(annotations, { defaults, read });
    return read;
  };
}

/** Whether it is longer than what is shared. There may be thousands: no more are read than show it. */
function isLong(annotations: Annotations): boolean {
  let length = 0;
  for (const key of Object.keys(annotations)) {
    if (key !== keys.state) length += key.length + (annotations[key]?.length ?? 0);
    if (length > longestWording) return true;
  }
  return false;
}
