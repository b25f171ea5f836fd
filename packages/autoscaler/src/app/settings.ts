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
import { metricsSourceParser } from './metrics-source.ts';
import { queriesFileParser } from './queries-file.ts';

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
    doc: 'Decide, tell what would be parked, and begin nothing: nothing is adopted, diverted or parked. What an earlier run has begun is still finished and kept true.',
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
    doc: 'Parks at once. A namespace takes no more of them than are still free: alone, half.',
  }),
  maxReconciles: setting({
    parser: parsers.integer(1, 1_000),
    default: 32,
    doc: 'Resources reconciled at once, shared as parks are.',
  }),
  brakeParks: setting({
    parser: parsers.integer(0),
    default: 5,
    doc: 'Parks per tick while the mass brake is on: more than max(10, 20 %) went idle at once after a source failed or another replica took over.',
  }),
};

/** Where samples come from. */
const sourceSettings = {
  metricsSource: setting({
    parser: metricsSourceParser,
    default: 'custom-metrics',
    doc: 'Who knows scale metrics: the custom metrics API, the external metrics API, Prometheus, or nobody. The first is asked for metrics that name no source.',
  }),
  metricResource: setting({
    parser: parsers.string(),
    default: 'deployments.apps',
    doc: 'The kind that the custom metrics API describes, `resource.group`, for resources whose scaler tells none.',
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
    doc: 'How long all calls of one tick may take. What has no answer by then is unknown.',
  }),
};

/** Only with the source `prometheus`. */
const prometheusSettings = {
  prometheusUrl: setting({
    parser: parsers.url(),
    proposal: false,
    doc: 'Where Prometheus, or what speaks its API, is; with a path where it has one.',
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

/** Where the DLX replicas are. */
const peerSettings = {
  dlxPeers: setting({
    parser: parsers.list(parsers.hostPort()),
    default: '',
    doc: 'DLX replicas that are always there, by their infrastructure port; with `--control-token-file` by their control port.',
  }),
  dlxInfraPort: setting({
    parser: parsers.port(),
    default: dlxPorts.infra.port,
    doc: 'The infrastructure port of a DLX address that tells none.',
  }),
  dlxControlPort: setting({
    parser: parsers.port(),
    default: dlxPorts.control.port,
    doc: 'The control port of a DLX address that tells none. Asked with `--control-token-file`; a DLX that refuses the connection is asked on its infrastructure port, without the token.',
  }),
  peerTimeout: setting({
    parser: parsers.duration({ min: '1ms' }),
    default: '1s',
    doc: 'How long a DLX replica may take to tell its activity or to answer a fence.',
  }),
  preflightTimeout: setting({
    parser: parsers.duration({ min: '1ms' }),
    default: '2500ms',
    doc: 'How long a DLX replica may take to tell whether it could serve a resource.',
  }),
};

/** Who acts. */
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
    doc: 'How long the others wait without a sign of the holder, before one of them acts. The holder itself stops after two thirds of it.',
  }),
};

/** The way out, instead of everything else. */
const uninstallSettings = {
  uninstall: setting({
    parser: parsers.boolean(),
    default: false,
    proposal: false,
    doc: 'Hand everything back for good, and end: every sleeper is woken, every Service restored, and what was written taken away.',
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
    doc: 'With `--uninstall`: how long sleepers may take to come up; then their traffic is handed back all the same.',
  }),
};

/** Everything that can be set. Flags, environment, help and README follow from it. */
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
