import { parseDuration, type ScaleResource } from '@scaler/scaler-types';
import { WorkloadScalerError } from '../errors.ts';
import { type ConfiguredKind, parseKinds } from './kinds-option.ts';
import type { MaxTimes } from './times.ts';
import { parseAllHosts, parseChoice, parseCount, parseList, parseMetrics, parsePositiveDuration } from './values.ts';

/** `scaler/routing`; `auto` chooses by metrics and by who owns the Service. */
export const routings = ['auto', 'overlay', 'selector', 'always'] as const;
export type Routing = (typeof routings)[number];

/** The scaler's own settings, from `--scaler-option name=value`. */
export interface Options extends MaxTimes {
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  /** Calls per second. */
  readonly apiQps: number;
  readonly settleMs: number;
  readonly portRange: { readonly from: number; readonly to: number };
  /** Ports that a namespace may come to have; undefined: no more than are still free. */
  readonly portsPerNamespace: number | undefined;
  /** Classes of an Ingress that counts on the shared port; `*`: any. None: those that the cluster has. */
  readonly ingressClasses: readonly string[];
  /** Hosts that any tenant may name in `scaler/hosts`. */
  readonly allowHosts: readonly string[];
  readonly defaultRouting: Routing;
  readonly defaultMetrics: readonly ScaleResource[];
  readonly defaultIdleAfterMs: number;
  /** How long there must be no DLX before everything is restored; 0: never. */
  readonly deadManSwitchMs: number;
  /** Sleepers that start at once by it. */
  readonly deadManStarts: number;
  readonly deadManStartsPerNamespace: number;
  /** How long the pods that have a veto may take, all together. */
  readonly vetoTimeoutMs: number;
  /** How long a pod may be without a node before waiting for it counts as hopeless; 0: for ever. */
  readonly unschedulableAfterMs: number;
  readonly clusterDomain: string;
  /** Kinds beside those of the package. */
  readonly kinds: readonly ConfiguredKind[];
}

interface OptionRow<T> {
  readonly parse: (text: string) => T;
  readonly default: string;
  readonly doc: string;
}

/** Name → parser, default, doc. README has the same table. */
export const optionTable = {
  kubeconfig: row((text) => text || undefined, '', 'Path of a kubeconfig; empty: as `kubectl` finds it, or in-cluster'),
  context: row((text) => text || undefined, '', 'Context of the kubeconfig; empty: its current one'),
  apiQps: row(
    parseCount,
    '100',
    "Calls to the API per second in the long run, twice as many at once; those that a held request waits for are not limited. A park makes about 20, a hand-back 15. Slices that follow the DLX's pods are written four times as fast, one call each",
  ),
  settle: row(
    parseDuration,
    '5s',
    'How long routing must stand as expected before the next step; longer than any kube-proxy lags',
  ),
  portRange: row(parsePortRange, '20000-29999', "The DLX's own ports for targets; below the ephemeral ports"),
  portsPerNamespace: row(
    (text) => (text === '' ? undefined : parseCount(text)),
    '',
    'Of these, how many the workloads of one namespace may come to have; empty: no more than are still free, so one alone gets half',
  ),
  ingressClasses: row(
    parseList,
    '',
    'Classes of the Ingresses that name hosts and paths on the shared port, comma-separated; `*`: any; empty: those that the cluster has as an IngressClass',
  ),
  allowHosts: row(
    parseAllHosts,
    '',
    'Hosts that any namespace may name in `scaler/hosts`, comma-separated; `*.example.com` for all below it',
  ),
  defaultRouting: row(parseChoice(routings), 'auto', '`scaler/routing` where the workload has none'),
  defaultMetrics: row(parseMetrics, 'none', '`scaler/metrics` where the workload has none'),
  defaultIdleAfter: row(parsePositiveDuration, '5m', '`scaler/idle-after` where the workload has none'),
  deadManSwitch: row(
    parseDuration,
    '60s',
    'No ready DLX for so long: Services are restored and sleepers woken; `0`: never',
  ),
  deadManStarts: row(parseCount, '20', 'Sleepers that the dead-man switch starts at once; the next when one is ready'),
  deadManStartsPerNamespace: row(parseCount, '10', 'The same, of one namespace'),
  vetoTimeout: row(
    parsePositiveDuration,
    '2s',
    'How long the pods behind `scaler/veto` may take to answer, all together; then it stays awake',
  ),
  unschedulableAfter: row(
    parseDuration,
    '0',
    'A pod that no node takes for so long makes waiting hopeless; `0`: never, since nodes may be added. Short where they are not',
  ),
  maxSettle: row(
    parsePositiveDuration,
    '60s',
    'The longest `scaler/settle`; a longer one is cut to it, and an Event says so. A park that settles has one of the places for parks',
  ),
  maxHoldTimeout: row(
    parsePositiveDuration,
    '15m',
    'The longest `scaler/hold-timeout`; a longer one is cut to it, and an Event says so',
  ),
  maxConnectTimeout: row(
    parsePositiveDuration,
    '1m',
    'The longest `scaler/connect-timeout`; a longer one is cut to it, and an Event says so',
  ),
  maxResponseTimeout: row(
    parsePositiveDuration,
    '24h',
    'The longest `scaler/response-timeout`; a longer one is cut to it, and an Event says so. Also what `0` means there',
  ),
  maxIdleTimeout: row(
    parsePositiveDuration,
    '24h',
    'The longest `scaler/idle-timeout`; a longer one is cut to it, and an Event says so. Also what `0` means there',
  ),
  maxIdleAfter: row(
    parsePositiveDuration,
    '8760h',
    'The longest `scaler/idle-after`; a longer one is cut to it, and an Event says so',
  ),
  maxCooldown: row(
    parsePositiveDuration,
    '8760h',
    'The longest `scaler/cooldown`; a longer one is cut to it, and an Event says so',
  ),
  maxMinAwake: row(
    parsePositiveDuration,
    '8760h',
    'The longest `scaler/min-awake`; a longer one is cut to it, and an Event says so',
  ),
  clusterDomain: row((text) => text, 'cluster.local', 'DNS domain of the cluster'),
  kinds: row(
    parseKinds,
    '',
    'Further kinds with `/scale`, comma-separated: `argoproj.io/v1alpha1/rollouts`. Replicas that are to be written in place are named by a path: `example.com/v1/widgets=/spec/size`',
  ),
} as const;

type OptionName = keyof typeof optionTable;

/**
 * Parses the scaler's options.
 *
 * @throws WorkloadScalerError `invalid-option` that names the option, its value and what is allowed.
 */
export function parseOptions(given: Readonly<Record<string, string>>): Options {
  const unknown = Object.keys(given).find((name) => !(name in optionTable));
  if (unknown !== undefined) {
    throw new WorkloadScalerError(
      'invalid-option',
      `The scaler has no option "${unknown}"; it has ${Object.keys(optionTable).join(', ')}`,
    );
  }
  const value = <N extends OptionName>(name: N): ReturnType<(typeof optionTable)[N]['parse']> =>
    parseOption(name, given[name] ?? optionTable[name].default);
  return Object.freeze({
    kubeconfig: value('kubeconfig'),
    context: value('context'),
    apiQps: value('apiQps'),
    settleMs: value('settle'),
    portRange: value('portRange'),
    portsPerNamespace: value('portsPerNamespace'),
    ingressClasses: value('ingressClasses'),
    allowHosts: value('allowHosts'),
    defaultRouting: value('defaultRouting'),
    defaultMetrics: value('defaultMetrics'),
    defaultIdleAfterMs: value('defaultIdleAfter'),
    deadManSwitchMs: value('deadManSwitch'),
    deadManStarts: value('deadManStarts'),
    deadManStartsPerNamespace: value('deadManStartsPerNamespace'),
    vetoTimeoutMs: value('vetoTimeout'),
    unschedulableAfterMs: value('unschedulableAfter'),
    maxSettleMs: value('maxSettle'),
    maxHoldTimeoutMs: value('maxHoldTimeout'),
    maxConnectTimeoutMs: value('maxConnectTimeout'),
    maxResponseTimeoutMs: value('maxResponseTimeout'),
    maxIdleTimeoutMs: value('maxIdleTimeout'),
    maxIdleAfterMs: value('maxIdleAfter'),
    maxCooldownMs: value('maxCooldown'),
    maxMinAwakeMs: value('maxMinAwake'),
    clusterDomain: value('clusterDomain'),
    kinds: value('kinds'),
  });
}

function parseOption<N extends OptionName>(name: N, text: string): ReturnType<(typeof optionTable)[N]['parse']> {
  try {
    return optionTable[name].parse(text) as ReturnType<(typeof optionTable)[N]['parse']>;
  } catch (cause) {
    const why = (cause as Error).message;
    throw new WorkloadScalerError('invalid-option', `The scaler's option ${name} is "${text}": ${why}`, {
      cause,
    });
  }
}

function row<T>(parse: (text: string) => T, fallback: string, doc: string): OptionRow<T> {
  return { parse, default: fallback, doc };
}

// Linux hands out ports from 32768 up by itself: a listener of ours there would collide with any outgoing connection.
const firstEphemeralPort = 32_768;

function parsePortRange(text: string): { from: number; to: number } {
  const [, from = 0, to = 0] = (/^(\d{1,5})-(\d{1,5})$/.exec(text) ?? []).map(Number);
  if (from >= 1024 && from <= to && to < firstEphemeralPort) return { from, to };
  throw new Error(`must be written as 20000-29999, within 1024-${firstEphemeralPort - 1}`);
}
