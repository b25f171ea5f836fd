import {
  defineConfig,
  parsers,
  placeSettings,
  pluginSettings,
  processSettings,
  serverSettings,
  setting,
} from '@scaler/runtime';
import { defaultMetricNamePattern } from '@scaler/scaler-types';
import { dlxPorts } from '@scaler/scaler-types/dlx-api';
import { metricsSourceParser, queriesFileParser } from './parsers.ts';

/** How resources are judged and parked. */
const judgementSettings = {
  scaleInterval: setting({
    parser: parsers.duration({ min: '100ms' }),
    default: '10s',
    doc: 'Time from one tick (collect, decide, act) to the next.',
  }),
  cooldown: setting({
    parser: parsers.duration(),
    default: '1m',
    doc: 'How long a resource is not parked after a wake, an update or a cancelled park; doubled with each cancelled park in a row, up to an hour. For resources that name none.',
  }),
  dryRun: setting({
    parser: parsers.boolean(),
    default: false,
    proposal: false,
    doc: 'Decide and report what would be parked, without adopting, diverting or parking anything. Steps that an earlier run began are still finished, and its routing is kept up to date.',
  }),
  busyLimit: setting({
    parser: parsers.duration({ min: '1s' }),
    default: '24h',
    doc: 'The longest busy lease that `PUT /busy/…` gives.',
  }),
  idleAfter: setting({
    parser: parsers.duration({ min: '1s' }),
    default: '5m',
    doc: "How long without a request a resource is idle by the DLX's count. For resources that name none.",
  }),
  maxParks: setting({
    parser: parsers.integer(1, 1_000),
    default: 16,
    doc: 'Parks at once. A namespace may take as many as are still free, so one namespace alone gets half.',
  }),
  maxReconciles: setting({
    parser: parsers.integer(1, 1_000),
    default: 32,
    doc: 'Resources reconciled at once. Namespaces share them as they share parks.',
  }),
  brakeParks: setting({
    parser: parsers.integer(0),
    default: 5,
    doc: 'Parks per tick while the mass brake is on: more than max(10, 20 %) went idle at once after a source failed or another replica took over.',
  }),
};

/** The sources of samples. */
const sourceSettings = {
  metricsSource: setting({
    parser: metricsSourceParser,
    default: 'custom-metrics',
    doc: 'The sources of scale metrics: the custom metrics API, the external metrics API, Prometheus, or none. The first is asked for metrics that name no source.',
  }),
  metricResource: setting({
    parser: parsers.string(),
    default: 'deployments.apps',
    doc: 'The kind that the custom metrics API describes, `resource.group`, for resources whose scaler names none.',
  }),
  metricNamePattern: setting({
    parser: parsers.string(),
    default: defaultMetricNamePattern,
    doc: "A scale metric's full name in the metrics API.",
  }),
  metricsTimeout: setting({
    parser: parsers.duration({ min: '10ms' }),
    default: '5s',
    doc: 'How long one call to a source of metrics may take.',
  }),
  metricsConcurrency: setting({
    parser: parsers.integer(1, 100),
    default: 8,
    doc: 'Calls at once to each source of metrics.',
  }),
  collectTimeout: setting({
    parser: parsers.duration({ min: '10ms' }),
    default: '8s',
    doc: 'How long all calls of one tick may take. Samples without an answer by then are unknown.',
  }),
};

/** Only with the source `prometheus`. */
const prometheusSettings = {
  prometheusUrl: setting({
    parser: parsers.url(),
    proposal: false,
    doc: 'The URL of Prometheus, or of a server with its API; with a path where it has one.',
  }),
  prometheusQueries: setting({
    parser: queriesFileParser,
    proposal: false,
    doc: 'The queries that scale metrics may name, see below. Read at start.',
  }),
  prometheusCaFile: setting({
    parser: parsers.secretFile(),
    proposal: false,
    doc: "The authorities that Prometheus's certificate is checked against, PEM. Default: the system's. Read again at each call.",
  }),
  prometheusTokenFile: setting({
    parser: parsers.secretFile(),
    proposal: false,
    doc: 'A file with the bearer token for Prometheus. Read again at each call.',
  }),
  prometheusBasicFile: setting({
    parser: parsers.secretFile(),
    proposal: false,
    doc: 'A file with `user:password` for Prometheus. Read again at each call.',
  }),
};

/** The DLX replicas. */
const peerSettings = {
  dlxPeers: setting({
    parser: parsers.list(parsers.hostPort()),
    default: '',
    doc: 'DLX replicas that are always there, by their infrastructure port; with `--control-token-file` by their control port.',
  }),
  dlxInfraPort: setting({
    parser: parsers.port(),
    default: dlxPorts.infra.port,
    doc: 'The infrastructure port of a DLX address that names none.',
  }),
  dlxControlPort: setting({
    parser: parsers.port(),
    default: dlxPorts.control.port,
    doc: 'The control port of a DLX address that names none. Asked with `--control-token-file`; a DLX that refuses the connection is asked on its infrastructure port, without the token.',
  }),
  peerTimeout: setting({
    parser: parsers.duration({ min: '1ms' }),
    default: '1s',
    doc: 'How long a DLX replica may take to report its activity or to answer a fence.',
  }),
  preflightTimeout: setting({
    parser: parsers.duration({ min: '1ms' }),
    default: '2500ms',
    doc: 'How long a DLX replica may take to answer whether it could serve a resource.',
  }),
};

/** The Lease that decides which replica acts. */
const leaseSettings = {
  lease: setting({
    parser: parsers.boolean(),
    default: true,
    doc: 'Whether only the holder of a Lease acts. Without, this must be the only replica.',
  }),
  leaseNamespace: setting({
    parser: parsers.string(),
    proposal: false,
    doc: "The Lease's namespace. Default: the pod's, or the kubeconfig context's.",
  }),
  leaseName: setting({ parser: parsers.string(), default: 'scaler-autoscaler', doc: "The Lease's name." }),
  leaseDuration: setting({
    parser: parsers.duration({ min: '2s' }),
    default: '10s',
    doc: 'How long the other replicas wait after the last renewal by the holder, before one of them acts. The holder itself stops after two thirds of it.',
  }),
};

/** The uninstall, which runs instead of everything else. */
const uninstallSettings = {
  uninstall: setting({
    parser: parsers.boolean(),
    default: false,
    proposal: false,
    doc: 'Hand everything back for good, and end: wake every sleeping resource, restore every Service, and remove what scaler wrote.',
  }),
  uninstallStops: setting({
    parser: parsers.namespacedName(),
    proposal: false,
    doc: 'With `--uninstall`: the Deployment of the autoscaler, which is set to no replicas first, so that it parks nothing meanwhile.',
  }),
  uninstallGrace: setting({
    parser: parsers.duration(),
    default: '2m',
    proposal: false,
    doc: 'With `--uninstall`: how long sleeping resources may take to come up; then their traffic is handed back anyway.',
  }),
};

/** All settings. Flags, environment, help and README follow from them. */
export const settings = defineConfig({
  ...pluginSettings,
  ...judgementSettings,
  ...sourceSettings,
  ...prometheusSettings,
  ...peerSettings,
  ...leaseSettings,
  ...uninstallSettings,
  ...placeSettings,
  ...serverSettings,
  ...processSettings,
});

export type Settings = typeof settings;
