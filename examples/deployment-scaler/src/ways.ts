import { listenPortOf } from '@scaler/kube';
import { leadingOf } from './gather.ts';
import type { Ground } from './ground.ts';
import type { Managed } from './lookup.ts';
import { protocolOf, speaksHttp1 } from './protocol.ts';
import type { Way } from './reach.ts';
import type { Snapshot } from './snapshot.ts';

/** Where the DLX's Service does not name it `infra`. */
const usualInfraPort = 8081;
/** Where it does not name it `control`. */
const usualControlPort = 8083;

/** Every way through a DLX to the resource's pods. */
export async function waysTo(
  ground: Ground,
  snapshot: Snapshot,
  { workload, settings }: Managed,
  signal: AbortSignal,
): Promise<readonly Way[]> {
  const probe = workload.template.probes?.find(({ type }) => type === 'http');
  const path = probe?.type === 'http' ? probe.path : '/';
  const asked = new Set<string>();
  const ways = leadingOf(snapshot).flatMap((service) => {
    const ports = service.ports.flatMap((one) => {
      const listenPort = listenPortOf(workload, service.name, one.port, ground.options.portRange);
      if (one.protocol !== 'TCP' || listenPort === undefined) return [];
      return [{ listenPort, mute: protocolOf(one, settings.tcpPorts).protocol === 'tcp' || !speaksHttp1(one) }];
    });
    const addresses = ground.dlx?.listed(ports.map(({ listenPort }) => listenPort)) ?? [];
    if (ports.some(({ mute }) => mute)) addresses.forEach((address) => asked.add(address));
    const spoken = ports.filter(({ mute }) => !mute);
    return addresses.flatMap((address) =>
      spoken.map(({ listenPort: port }): Way => ({ address, port, ask: { path } })),
    );
  });
  if (asked.size === 0) return ways;
  const named = new Map((await ground.dlx?.live(signal))?.map(({ address, ports }) => [address, ports]));
  const preflights = [...asked].map((address): Way => {
    const { infra: port = usualInfraPort, control = usualControlPort } = named.get(address) ?? {};
    return { address, port, control, ask: 'preflight' };
  });
  return [...ways, ...preflights];
}
