import { dlxPorts } from '@scaler/scaler-types/dlx-api';
import { listenPortOf } from '../ports/port-label.ts';
import { leadingOf } from '../observe/observe.ts';
import type { Dependencies } from '../dependencies.ts';
import type { Managed } from '../cache/lookup.ts';
import { protocolOf, speaksHttp1 } from '../ports/protocol.ts';
import type { DlxPath } from './reachability.ts';
import type { Snapshot } from '../cache/snapshot.ts';

/** Every path through a DLX to the resource's pods. */
export async function pathsTo(
  deps: Dependencies,
  snapshot: Snapshot,
  { workload, settings }: Managed,
  signal: AbortSignal,
): Promise<readonly DlxPath[]> {
  const probe = workload.template.probes?.find(({ type }) => type === 'http');
  const path = probe?.type === 'http' ? probe.path : '/';
  const asked = new Set<string>();
  const paths = leadingOf(snapshot).flatMap((service) => {
    const ports = service.ports.flatMap((one) => {
      const listenPort = listenPortOf(workload, service.name, one.port, deps.options.portRange);
      if (one.protocol !== 'TCP' || listenPort === undefined) return [];
      return [
        { listenPort, needsPreflight: protocolOf(one, settings.tcpPorts).protocol === 'tcp' || !speaksHttp1(one) },
      ];
    });
    const listenPorts = ports.map(({ listenPort }) => listenPort);
    deps.dlx?.findListening(listenPorts);
    const addresses = deps.dlx?.listed(listenPorts) ?? [];
    if (ports.some(({ needsPreflight }) => needsPreflight)) addresses.forEach((address) => asked.add(address));
    const spoken = ports.filter(({ needsPreflight }) => !needsPreflight);
    return addresses.flatMap((address) =>
      spoken.map(({ listenPort: port }): DlxPath => ({ address, port, ask: { path } })),
    );
  });
  if (asked.size === 0) return paths;
  const named = new Map((await deps.dlx?.live(signal))?.map(({ address, ports }) => [address, ports]));
  const preflights = [...asked].map((address): DlxPath => {
    const { infra, control } = dlxPorts;
    const ports = named.get(address) ?? {};
    const port = ports[infra.name] ?? infra.port;
    return { address, port, control: ports[control.name] ?? control.port, ask: 'preflight' };
  });
  return [...paths, ...preflights];
}
