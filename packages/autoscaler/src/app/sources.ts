import { createCustomMetricsClient, createExternalMetricsClient, type KubeClient } from '@scaler/kube';
import { configError, type ConfigValues } from '@scaler/runtime';
import type { Clock, MetricSource } from '@scaler/scaler-types';
import { type PeerDirectory, peerDirectory } from '../peers/peer.ts';
import type { PeerClient } from '../peers/peer-client.ts';
import { createActivitySource } from '../collect/activity.ts';
import type { CallLimits } from '../collect/ask-groups.ts';
import { createCustomMetricsSource, createExternalMetricsSource } from '../collect/metrics-apis.ts';
import { createConnection } from '../collect/prometheus/connection.ts';
import { createPrometheusSource } from '../collect/prometheus/prometheus.ts';
import type { Source } from '../collect/collect.ts';
import type { Settings } from './settings.ts';

/** The directory of DLX replicas, from the settings. */
export function peersOf(values: ConfigValues<Settings>, client: KubeClient | undefined): PeerDirectory {
  const { dlxPeers, dlxService: service, dlxInfraPort: infraPort, dlxControlPort: controlPort } = values;
  return peerDirectory(dlxPeers, service && client && { client, service, infraPort, controlPort });
}

export interface SourceParts {
  kube: KubeClient | undefined;
  peers: PeerDirectory;
  peerClient: PeerClient;
  clock: Clock;
}

/**
 * The sources that the settings name, and the DLX's count.
 *
 * @throws RuntimeError `invalid-config` when a source lacks a setting.
 */
export function sourcesOf(values: ConfigValues<Settings>, { kube, peers, peerClient, clock }: SourceParts): Source[] {
  const { peerTimeout: timeoutMs, collectTimeout: listTimeoutMs } = values;
  const activity = createActivitySource({ peers, client: peerClient, clock, timeoutMs, listTimeoutMs });
  return [...values.metricsSource.map((name) => metricsSource(name, values, { kube, clock })), activity];
}

function metricsSource(
  name: MetricSource,
  values: ConfigValues<Settings>,
  { kube, clock }: Pick<SourceParts, 'kube' | 'clock'>,
): Source {
  const limits: CallLimits = {
    clock,
    timeoutMs: values.metricsTimeout,
    collectTimeoutMs: values.collectTimeout,
    concurrency: values.metricsConcurrency,
  };
  if (name === 'prometheus') return prometheusSource(values, limits);
  if (!kube) throw configError(`--metrics-source ${name} needs a cluster`);
  return name === 'external-metrics'
    ? createExternalMetricsSource({ client: createExternalMetricsClient({ client: kube }), ...limits })
    : createCustomMetricsSource({
        client: createCustomMetricsClient({ client: kube }),
        resource: values.metricResource,
        ...limits,
      });
}

function prometheusSource(values: ConfigValues<Settings>, limits: CallLimits): Source {
  const { prometheusUrl: url, prometheusQueries: file, prometheusCaFile: caFile } = values;
  const { prometheusTokenFile: tokenFile, prometheusBasicFile: basicFile } = values;
  if (url === undefined || file === undefined) {
    throw configError('--metrics-source prometheus needs --prometheus-url and --prometheus-queries');
  }
  if (tokenFile !== undefined && basicFile !== undefined) {
    throw configError('only one of --prometheus-token-file and --prometheus-basic-file may be given');
  }
  const { concurrency } = limits;
  const connection = createConnection({ url, caFile, tokenFile, basicFile, concurrency });
  return createPrometheusSource({ connection, queries: file.queries, ...limits });
}
