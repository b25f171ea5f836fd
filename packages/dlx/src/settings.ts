import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import {
  type ConfigValues,
  defineConfig,
  type Parser,
  parsers,
  placeSettings,
  pluginSettings,
  processSettings,
  serverSettings,
  setting,
} from '@scaler/runtime';
import { dlxPorts } from '@scaler/scaler-types/dlx-api';

const cidr = parsers.string({
  pattern: /^[0-9a-fA-F.:]+(\/\d{1,3})?$/,
  allowed: 'an IP address or a CIDR such as 10.0.0.0/8',
});

const amount = parsers.quantity();
const bytes: Parser<number> = {
  ...amount,
  kind: 'bytes',
  allowed: 'an amount of bytes such as 512Mi or 2Gi, at least 1Mi',
  parse: (text) => {
    const result = amount.parse(text);
    return result.ok && result.value < 2 ** 20 ? { ok: false } : result;
  },
};

/** Where requests come in, and what is believed of them. */
const listenSettings = {
  listenHost: setting({
    parser: parsers.string(),
    default: '0.0.0.0',
    doc: "The address of the data ports: the shared one and each target's own.",
  }),
  listenPort: setting({
    parser: parsers.port(),
    default: 8080,
    doc: 'The shared HTTP port, for what ingresses and gateways send.',
  }),
  clusterDomain: setting({
    parser: parsers.string(),
    default: 'cluster.local',
    doc: "The cluster's DNS domain, as in `web.shop.svc.cluster.local`.",
  }),
  trustedPeers: setting({
    parser: parsers.list(cidr),
    default: '',
    proposal: false,
    doc: 'Who may name the target by header.',
  }),
  targetHeader: setting({
    parser: parsers.string({ pattern: /^[a-z0-9-]+$/, allowed: 'a header name in lower case' }),
    default: 'x-scaler-target',
    doc: 'The header by which trusted peers name the target: `namespace/service:port`.',
  }),
  trustForwarded: setting({
    parser: parsers.boolean(),
    default: true,
    doc: 'Whether `Forwarded` and `X-Forwarded-*` that arrive are added to. Without, they are replaced.',
  }),
  via: setting({
    parser: parsers.string({
      pattern: /^[!#$%&'*+.^_`|~0-9A-Za-z-]+(?::\d{1,5})?$/,
      allowed: 'a name without spaces, or host:port',
    }),
    proposal: false,
    doc: "The DLX's name in `Via`, which it then adds to requests and answers (RFC 9110 §7.6.3). Default: no `Via`; by one nginx stops compressing.",
  }),
  quietStatus: setting({
    parser: parsers.integer(200, 599),
    default: 200,
    doc: 'What health checks of a sleeper are answered.',
  }),
  answersCors: setting({
    parser: parsers.boolean(),
    default: true,
    doc: "Whether the DLX's own answers let the page of any `Origin` read them (CORS): a script gets the 503 and its `Retry-After`, and not an error without a reason.",
  }),
  problemDetails: setting({
    parser: parsers.oneOf('brief', 'full'),
    default: 'brief',
    doc: "How much of the reason for which a request was not forwarded its client gets: `brief` is the outcome in words; `full` names the resource, its Service, pods' addresses and what stood in the way. The admin server shows all of it always.",
  }),
};

/** How long and how many are held. */
const holdSettings = {
  holdTimeout: setting({
    parser: parsers.duration({ min: '1ms' }),
    default: '2m',
    doc: 'How long a request is held. For resources that name none.',
  }),
  holdLimit: setting({
    parser: parsers.integer(1),
    default: 10_000,
    unit: 'requests',
    doc: 'How many requests of one resource are held at once, within its share. For resources that name none.',
  }),
  holdLimitTotal: setting({
    parser: parsers.integer(1),
    default: 20_000,
    unit: 'requests',
    doc: 'How many requests are held at once in all. No resource gets more than what is still free.',
  }),
  holdBytesTotal: setting({
    parser: bytes,
    doc: 'How many bytes all that is held, in flight and kept may take in all, as the ledger counts it. Default: half of the memory that there is, at most 4Gi.',
  }),
  connectionLimit: setting({
    parser: parsers.integer(1),
    unit: 'connections',
    doc: "How many connections clients may have in all. No target's port gets more than what is still free, the shared port three times that. Default: three quarters of the files that the process may open, at most 500000.",
  }),
  overflowStatus: setting({
    parser: parsers.oneOf('503', '429'),
    default: '503',
    doc: 'What a request is answered that may not be held any more.',
  }),
  connectTimeout: setting({
    parser: parsers.duration({ min: '1ms' }),
    default: '1s',
    doc: 'How long a connection to an endpoint may take; then another is tried. For resources that name none.',
  }),
  responseTimeout: setting({
    parser: parsers.duration(),
    default: '5m',
    doc: 'How long an upstream may take to begin its answer. `0`: as long as it likes. For resources that name none.',
  }),
  idleTimeout: setting({
    parser: parsers.duration(),
    default: '1h',
    doc: 'How long a body, a stream or a connection may be silent. `0`: as long as it likes. For resources that name none.',
  }),
  upstreamKeepAlive: setting({
    parser: parsers.duration(),
    default: '4s',
    doc: 'How long a connection to an endpoint in HTTP/1 is kept for the next request, at most: less where the endpoint says or shows that it closes sooner. `0`: each request has one of its own. For resources that name none.',
  }),
  clientIdleTimeout: setting({
    parser: parsers.duration(),
    default: '75s',
    doc: "How long a client's connection stands without a request. Longer than what is in front of the DLX keeps its own. `0`: as long as it likes.",
  }),
  resourceInterval: setting({
    parser: parsers.duration({ min: '100ms' }),
    default: '5s',
    doc: 'Time between two looks at the resources, where the scaler cannot watch them.',
  }),
};

/** How many are woken at once. */
const wakeSettings = {
  wakeLimit: setting({
    parser: parsers.integer(1),
    default: 200,
    unit: 'resources',
    doc: 'How many resources this replica wakes at once; others wait in line.',
  }),
  wakeLimitNamespace: setting({
    parser: parsers.integer(1),
    default: 100,
    unit: 'resources',
    doc: 'The same, of one namespace.',
  }),
};

/** How it ends. */
const drainSettings = {
  propagate: setting({
    parser: parsers.duration(),
    default: '5s',
    doc: 'How long a stopping replica goes on taking connections once no slice names it any more, until every kube-proxy has heard of it.',
  }),
  drainTimeout: setting({
    parser: parsers.duration(),
    default: '20s',
    doc: 'How long held and in-flight requests have from then on. With `--propagate` less than `--shutdown-timeout`: what is left of it, less 2 s, is the longest wait for slices that name the replica.',
  }),
};

const percent = parsers.integer(1, 100);

/** The stages that act on memory which no other bound has kept down. */
const memorySettings = {
  memoryLimit: setting({
    parser: bytes,
    doc: "How many bytes the process may have; the marks are shares of it. Default: the container's limit, or all that there is.",
  }),
  memoryShed: setting({
    parser: percent,
    default: 80,
    unit: '%',
    doc: 'From this share of `--memory-limit` on new requests are refused as `overflow`, and idle connections end.',
  }),
  memoryUnready: setting({
    parser: percent,
    default: 85,
    unit: '%',
    doc: 'From this share on the replica is not ready. Not less than `--memory-shed`.',
  }),
  memoryRestart: setting({
    parser: percent,
    default: 90,
    unit: '%',
    doc: 'Past this share for 30 s the replica drains and is started again. Not less than `--memory-unready`.',
  }),
};

/** The server that the autoscaler asks, with the token of `--control-token-file`. */
const controlSettings = {
  controlHost: setting({ parser: parsers.string(), default: '0.0.0.0', doc: 'The address of the control server.' }),
  controlPort: setting({
    parser: parsers.port(),
    default: dlxPorts.control.port,
    doc: 'The port of the control server: what the autoscaler asks. Only with `--control-token-file`; without, any client may ask on the infrastructure port.',
  }),
};

/** The autoscaler, for people who look here. */
const autoscalerSettings = {
  autoscalerUrl: setting({
    parser: parsers.url(),
    proposal: false,
    doc: "The autoscaler's admin server, shown under `/autoscaler` of this one's.",
  }),
  autoscalerTokenFile: setting({
    parser: parsers.secretFile(),
    proposal: false,
    doc: "A file with the bearer token for it. Without, the caller's own is passed on.",
  }),
  autoscalerCaFile: setting({
    parser: parsers.string(),
    proposal: false,
    doc: 'A file with the certificates by which it is verified, in PEM. Default: those of Node.',
  }),
};

/** Everything that can be set. Flags, environment, help and README follow from it. */
export const settings = defineConfig({
  ...pluginSettings,
  ...listenSettings,
  ...holdSettings,
  ...wakeSettings,
  ...drainSettings,
  ...memorySettings,
  ...controlSettings,
  ...autoscalerSettings,
  ...placeSettings,
  ...serverSettings,
  ...processSettings,
  // Beyond the drain 33 s: so long the slices of thirteen thousand sleepers take to follow.
  shutdownTimeout: { ...processSettings.shutdownTimeout, default: '60s' },
});

export type DlxTable = typeof settings;

/** The limits and habits of the data path. All times in milliseconds. */
export type Settings = Readonly<ReturnType<typeof dataSettings>>;

/** The settings that the data path needs. */
export function dataSettings(values: ConfigValues<DlxTable>) {
  return {
    /** How long one request may be held, where its resource does not say. */
    holdTimeoutMs: values.holdTimeout,
    /** How many requests of one resource may be held, where it does not say. */
    holdLimit: values.holdLimit,
    /** How many requests may wait in all. */
    holdLimitTotal: values.holdLimitTotal,
    /** How many bytes everything that the ledger counts may be in all. */
    holdBytesTotal: values.holdBytesTotal ?? Math.min(memoryBytes() / 2, 4 * 2 ** 30),
    /** How many connections clients may have in all. */
    connectionLimit: values.connectionLimit ?? defaultConnectionLimit(),
    /** Status for a request beyond these bounds. */
    overflowStatus: values.overflowStatus === '429' ? 429 : 503,
    /** How many resources are woken at once. */
    wakeLimit: values.wakeLimit,
    /** The same, of one namespace. */
    wakeLimitNamespace: values.wakeLimitNamespace,
    /** A connection to an endpoint must stand by then. */
    connectTimeoutMs: values.connectTimeout,
    /** The upstream's answer must begin by then; 0: never mind. */
    responseTimeoutMs: values.responseTimeout,
    /** A body or a stream may be silent so long, either way; 0: for ever. */
    idleTimeoutMs: values.idleTimeout,
    /** A connection to an endpoint is kept for the next request so long; 0: it is not. */
    upstreamKeepAliveMs: values.upstreamKeepAlive,
    /** A client's connection may be without a request so long; 0: for ever. */
    clientIdleTimeoutMs: values.clientIdleTimeout,
    /** Whether our own answers may be read by the page of any origin. */
    answersCors: values.answersCors,
    /** Status for health checks of a sleeper. */
    quietStatus: values.quietStatus,
    /** How much of the reason our own answers give to clients. */
    problemDetails: values.problemDetails,
    /** Whether `Forwarded` and `X-Forwarded-*` that arrive are kept and added to, or replaced. */
    trustForwarded: values.trustForwarded,
    /** Its name in `Via`, if it is to be there. */
    via: values.via,
    /** The header by which trusted peers name the target, in lower case. */
    targetHeader: values.targetHeader,
    clusterDomain: values.clusterDomain,
  } as const;
}

/** Bytes that the process may have, and the shares of them, from 0 to 1, past which something is done about it. */
export type MemoryMarks = ReturnType<typeof memoryMarks>;

/** From where on what is done about memory. */
export function memoryMarks(values: ConfigValues<DlxTable>) {
  const shed = values.memoryShed / 100;
  const unready = Math.max(shed, values.memoryUnready / 100);
  const restart = Math.max(unready, values.memoryRestart / 100);
  return { limit: values.memoryLimit ?? memoryBytes(), shed, unready, restart };
}

/** Bytes that the process may take: its container's limit, or all. */
function memoryBytes(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

/**
 * The rest is for connections to endpoints, of which those that are held have none, and for ports. Where it does not
 * suffice, who comes waits in the kernel's queue. Node has raised its limit to the hard one.
 */
function defaultConnectionLimit(): number {
  return Math.min(500_000, Math.max(64, Math.floor((openFiles() * 3) / 4)));
}

function openFiles(): number {
  try {
    const text = readFileSync('/proc/self/limits', 'utf8');
    return Number(/^Max open files +(\d+)/m.exec(text)?.[1] ?? 16_384);
  } catch {
    return 16_384;
  }
}
