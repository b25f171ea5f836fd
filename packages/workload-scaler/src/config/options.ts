import { parseDuration } from '@scaler/scaler-types';
import { WorkloadScalerError } from '../errors.ts';
import { parseKinds } from './kinds.ts';
import { parseAllHosts, parseChoice, parseCount, parseList, parseMetrics, parsePositiveDuration } from './values.ts';

/** `scaler/routing`; `auto` chooses by metrics and by who owns the Service. */
export const routings = ['auto', 'overlay', 'selector', 'always'] as const;
export type Routing = (typeof routings)[number];

interface OptionRow<T> {
  readonly parse: (text: string) => T;
  readonly default: string;
  readonly doc: string;
  /** It is a time: its field in {@link Options} ends in `Ms`. */
  readonly isTime: boolean;
}

/** Name → parser, default, doc. README has the same table. */
export const optionTable = {
  kubeconfig: row(
    (text) => text || undefined,
    '',
    'Path of a kubeconfig; empty: that of the app, else as `kubectl` finds it, or in-cluster',
  ),
  context: row((text) => text || undefined, '', 'Context of the kubeconfig; empty: its current one'),
  apiQps: row(
    parseCount,
    '100',
    "Calls to the API per second in the long run, twice as many at once; those that a held request waits for are not limited. A park makes about 20, a hand-back 15. Slices that follow the DLX's pods are written four times as fast, one call each",
  ),
  settle: time(
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
  defaultIdleAfter: time(parsePositiveDuration, '5m', '`scaler/idle-after` where the workload has none'),
  deadManSwitch: time(
    parseDuration,
    '60s',
    'No ready DLX for so long: Services are restored and sleepers woken; `0`: never',
  ),
  deadManStarts: row(parseCount, '20', 'Sleepers that the dead-man switch starts at once; the next when one is ready'),
  deadManStartsPerNamespace: row(parseCount, '10', 'The same, of one namespace'),
  vetoTimeout: time(
    parsePositiveDuration,
    '2s',
    'How long the pods behind `scaler/veto` may take to answer, all together; then it stays awake',
  ),
  unschedulableAfter: time(
    parseDuration,
    '0',
    'A pod that no node takes for so long makes waiting hopeless; `0`: never, since nodes may be added. Short where they are not',
  ),
  maxSettle: longest('settle', '60s', 'A park that settles has one of the places for parks'),
  maxHoldTimeout: longest('hold-timeout', '15m'),
  maxConnectTimeout: longest('connect-timeout', '1m'),
  maxResponseTimeout: longest('response-timeout', '24h', 'Also what `0` means there'),
  maxIdleTimeout: longest('idle-timeout', '24h', 'Also what `0` means there'),
  maxUpstreamKeepAlive: longest('upstream-keep-alive', '5m'),
  maxIdleAfter: longest('idle-after', '8760h'),
  maxCooldown: longest('cooldown', '8760h'),
  maxMinAwake: longest('min-awake', '8760h'),
  clusterDomain: row((text) => text, 'cluster.local', 'DNS domain of the cluster'),
  kinds: row(
    parseKinds,
    '',
    'Further kinds with `/scale`, comma-separated: `argoproj.io/v1alpha1/rollouts`. Replicas that are to be written in place are named by a path: `example.com/v1/widgets=/spec/size`',
  ),
} as const;

export type OptionName = keyof typeof optionTable;
type Table = typeof optionTable;

/** The scaler's own settings, from `--scaler-option name=value`. Times are in milliseconds, as their names say. */
export type Options = {
  readonly [N in OptionName as Table[N] extends { isTime: true } ? `${N}Ms` : N]: ReturnType<Table[N]['parse']>;
};

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
  const parsed = Object.entries(optionTable).map(([name, option]) => [
    option.isTime ? `${name}Ms` : name,
    parseOption(name, option, given[name] ?? option.default),
  ]);
  return Object.freeze(Object.fromEntries(parsed) as Options);
}

function parseOption(name: string, { parse }: OptionRow<unknown>, text: string): unknown {
  try {
    return parse(text);
  } catch (cause) {
    const why = (cause as Error).message;
    throw new WorkloadScalerError('invalid-option', `The scaler's option ${name} is "${text}": ${why}`, { cause });
  }
}

function row<T>(parse: (text: string) => T, fallback: string, doc: string) {
  return { parse, default: fallback, doc, isTime: false } as const;
}

function time(parse: (text: string) => number, fallback: string, doc: string) {
  return { parse, default: fallback, doc, isTime: true } as const;
}

/** What an admin lets an annotation ask for at most. */
function longest(setting: string, fallback: string, more?: string) {
  const doc = `The longest \`scaler/${setting}\`; a longer one is cut to it, and an Event says so`;
  return time(parsePositiveDuration, fallback, more === undefined ? doc : `${doc}. ${more}`);
}

// Linux hands out ports from 32768 up by itself: a listener of ours there would collide with any outgoing connection.
const firstEphemeralPort = 32_768;

function parsePortRange(text: string): { from: number; to: number } {
  const [, from = 0, to = 0] = (/^(\d{1,5})-(\d{1,5})$/.exec(text) ?? []).map(Number);
  if (from >= 1024 && from <= to && to < firstEphemeralPort) return { from, to };
  throw new Error(`must be written as 20000-29999, within 1024-${firstEphemeralPort - 1}`);
}
