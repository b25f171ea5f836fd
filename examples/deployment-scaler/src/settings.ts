import type { QuietRule, ScaleResource } from '@scaler/scaler-types';
import { type Options, type Routing, routings } from './options.ts';
import {
  parseBoolean,
  parseChoice,
  parseCount,
  parseHosts,
  parseMetrics,
  parsePositiveDuration,
  parseQuietRules,
  parseServiceNames,
} from './values.ts';
import { parseDuration } from '@scaler/scaler-types';

/** What a workload's `scaler/…` annotations ask for, defaults filled in. */
export interface Settings {
  readonly routing: Routing;
  /** Undefined: every Service of the namespace that selects the pods. */
  readonly services: readonly string[] | undefined;
  readonly metrics: readonly ScaleResource[];
  readonly idleAfterMs: number;
  readonly cooldownMs: number | undefined;
  readonly settleMs: number;
  readonly holdTimeoutMs: number | undefined;
  readonly connectTimeoutMs: number | undefined;
  readonly responseTimeoutMs: number | undefined;
  readonly idleTimeoutMs: number | undefined;
  readonly holdLimit: number | undefined;
  readonly hosts: readonly string[];
  readonly quietRules: readonly QuietRule[];
  readonly mesh: 'refuse' | 'allow';
  readonly followZero: boolean;
}

/** An annotation that is wrong. The workload is not parked while one is `fatal`. */
export interface SettingProblem {
  readonly annotation: string;
  readonly message: string;
  /** False for one that nobody knows: it may be of a newer version. */
  readonly fatal: boolean;
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
    parsePositiveDuration,
    "Idle after so long without a request, by the DLX's own count (`always` only)",
  ),
  cooldown: reader(parseDuration, 'Not parked for so long after a wake, an update or a cancelled park'),
  settle: reader(parseDuration, 'The option `settle` for this workload'),
  'hold-timeout': reader(parsePositiveDuration, 'How long one request may be held'),
  'connect-timeout': reader(parsePositiveDuration, 'How long a connection to a pod may take; then another is tried'),
  'response-timeout': reader(parseDuration, 'How long a pod may take to begin its answer; `0`: as long as it likes'),
  'idle-timeout': reader(
    parseDuration,
    'How long a body, a stream or a WebSocket may be silent; `0`: as long as it likes',
  ),
  'hold-limit': reader(parseCount, 'How many requests may be held at once'),
  hosts: reader(
    parseHosts,
    'Hosts that name it on the shared port; only those that an Ingress of the same namespace has, or an admin allows',
  ),
  quiet: reader(
    parseQuietRules,
    'Requests that neither wake nor count: a JSON list of `{method, path, headers, port}`',
  ),
  mesh: reader(
    parseChoice(['refuse', 'allow'] as const),
    '`allow`: the pods are in a service mesh and the DLX may call them all the same',
  ),
  'follow-zero': reader(
    parseBoolean,
    '`false`: replicas that somebody else set to 0 are left alone, and no request wakes them',
  ),
} as const;

type SettingName = keyof typeof settingTable;

// Ours, not the user's: see kube's state.
const ownAnnotations = new Set(['scaler/state']);
const prefix = 'scaler/';

/** Reads the annotations. Wrong ones become problems, and the default is used in their place, so that a sleeper still wakes. */
export function parseSettings(
  annotations: Readonly<Record<string, string>>,
  options: Options,
): { settings: Settings; problems: readonly SettingProblem[] } {
  const problems = unknownAnnotations(annotations);
  const read = <N extends SettingName>(name: N): ReturnType<(typeof settingTable)[N]['parse']> | undefined => {
    const text = annotations[prefix + name];
    if (text === undefined) return undefined;
    try {
      return settingTable[name].parse(text.trim()) as ReturnType<(typeof settingTable)[N]['parse']>;
    } catch (error) {
      const message = `${prefix}${name} is "${text}": ${(error as Error).message}`;
      problems.push({ annotation: prefix + name, message, fatal: true });
      return undefined;
    }
  };
  const settings: Settings = {
    routing: read('routing') ?? options.defaultRouting,
    services: read('services'),
    metrics: read('metrics') ?? options.defaultMetrics,
    idleAfterMs: read('idle-after') ?? options.defaultIdleAfterMs,
    cooldownMs: read('cooldown'),
    settleMs: read('settle') ?? options.settleMs,
    holdTimeoutMs: read('hold-timeout'),
    connectTimeoutMs: read('connect-timeout'),
    responseTimeoutMs: read('response-timeout'),
    idleTimeoutMs: read('idle-timeout'),
    holdLimit: read('hold-limit'),
    hosts: read('hosts') ?? [],
    quietRules: read('quiet') ?? [],
    mesh: read('mesh') ?? 'refuse',
    followZero: read('follow-zero') ?? true,
  };
  return { settings, problems };
}

function unknownAnnotations(annotations: Readonly<Record<string, string>>): SettingProblem[] {
  return Object.keys(annotations)
    .filter((key) => key.startsWith(prefix) && !ownAnnotations.has(key) && !(key.slice(prefix.length) in settingTable))
    .map((annotation) => ({
      annotation,
      message: `${annotation} is not known; known are ${Object.keys(settingTable)
        .map((name) => prefix + name)
        .join(', ')}`,
      fatal: false,
    }));
}

function reader<T>(parse: (text: string) => T, doc: string): Reader<T> {
  return { parse, doc };
}
