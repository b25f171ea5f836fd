import type { KubeClient } from '@scaler/kube';
import type { ConfigValues } from '@scaler/runtime';
import { joinPeers, type PeerDirectory, staticPeers } from '../peers/peer.ts';
import { servicePeers } from '../peers/service-peers.ts';
import type { Settings } from './settings.ts';

/** The directory of DLX replicas, from the settings. */
export function peersOf(values: ConfigValues<Settings>, client: KubeClient | undefined): PeerDirectory {
  const { dlxService: service, dlxInfraPort: infraPort, dlxControlPort: controlPort } = values;
  const fixed = staticPeers(values.dlxPeers);
  if (!service || !client) return fixed;
  return joinPeers([fixed, servicePeers({ client, service, infraPort, controlPort, timeoutMs: 5_000 })]);
}
