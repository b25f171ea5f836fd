import { createCustomMetricsClient, type KubeClient } from '@scaler/kube';
import type { ConfigValues } from '@scaler/runtime';
import type { Clock } from '@scaler/scaler-types';
import type { PeerDirectory } from '../peers/peer.ts';
import type { PeerClient } from '../peers/peer-client.ts';
import { createActivitySource } from '../sources/activity.ts';
import { createCustomMetricsSource } from '../sources/custom-metrics.ts';
import { createNoMetricsSource } from '../sources/no-metrics.ts';
import type { Source } from '../sources/source.ts';
import type { Settings } from './settings.ts';

export interface SourceParts {
  kube: KubeClient | undefined;
  peers: PeerDirectory;
  peerClient: PeerClient;
  clock: Clock;
}

/** The sources that the settings name. */
export function sourcesOf(values: ConfigValues<Settings>, { kube, peers, peerClient, clock }: SourceParts): Source[] {
  const activity = createActivitySource({ peers, client: peerClient, clock, timeoutMs: values.peerTimeout });
  if (!kube || values.metricsSource === 'none') return [createNoMetricsSource(), activity];
  const metrics = createCustomMetricsSource({
    client: createCustomMetricsClient({ client: kube }),
    resource: values.metricResource,
    clock,
    timeoutMs: values.metricsTimeout,
    concurrency: values.metricsConcurrency,
  });
  return [metrics, activity];
}
