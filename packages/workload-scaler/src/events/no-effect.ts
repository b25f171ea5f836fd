import { fewOf } from '../workload/few-of.ts';
import type { ServiceInfo } from '../routing/service-info.ts';
import { pauseText } from '@scaler/scaler-types';
import type { RoutingMode } from '../machine/facts.ts';
import type { Managed } from '../cache/lookup.ts';
import { protocolOf, type TcpPort } from '../ports/protocol.ts';
import { hasSetting, type SettingName } from '../config/settings.ts';

/**
 * Settings of the workload itself that change nothing where they stand, each as a sentence. Defaults of its namespace are
 * meant for others too; a pause that ends is no reason, since what it outweighs matters then. Pure.
 */
export function settingsWithoutEffect({ workload, settings }: Managed, mode: RoutingMode): readonly string[] {
  const { pause, minAwakeMs, cooldownMs } = settings;
  const because = new Map<SettingName, string>();
  if (mode !== 'always') because.set('idle-after', `its routing is ${mode}, where only metrics tell that it is idle`);
  if (minAwakeMs !== undefined && cooldownMs !== undefined && minAwakeMs <= cooldownMs) {
    because.set('min-awake', 'its cooldown is no shorter');
  }
  if (settings.dryRun) because.set('veto', 'it is a dry run, in which no veto is asked');
  if (pause !== undefined && pause.until === undefined) {
    for (const name of outweighed[pause.mode]) because.set(name, `it is ${pauseText(pause)} without an end`);
  }
  return [...because]
    .filter(([name]) => hasSetting(workload.annotations, name))
    .map(([name, why]) => `scaler/${name} has no effect: ${why}`);
}

/** Settings of the workload itself that are for ports, or for protocols, that none of its Services has. Pure. */
export function portsWithoutEffect(
  { workload, settings }: Pick<Managed, 'workload' | 'settings'>,
  services: readonly ServiceInfo[],
): readonly string[] {
  const { tcpPorts, quietRules } = settings;
  const ports = services.flatMap((service) => service.ports);
  if (ports.length === 0) return [];
  const has = (name: SettingName): boolean => hasSetting(workload.annotations, name);
  const known = new Set<TcpPort['port'] | undefined>(ports.flatMap(({ port, name }) => [port, name]));
  const named = has('tcp-ports') ? tcpPorts.filter(({ port }) => !known.has(port)) : [];
  const quiet = has('quiet') ? quietRules.filter((rule) => rule.port !== undefined && !known.has(rule.port)) : [];
  const isEvery = (wanted: string): boolean => ports.every((port) => protocolOf(port, tcpPorts).protocol === wanted);
  const forHttp = (['hosts', 'response-timeout'] as const).filter((name) => has(name) && isEvery('tcp'));
  const forRaw = (['proxy-protocol'] as const).filter((name) => has(name) && isEvery('http'));
  return [
    ...unknownPorts('tcp-ports', named),
    ...unknownPorts('quiet', quiet),
    ...forHttp.map((name) => `scaler/${name} has no effect: every port of its Services is raw TCP`),
    ...forRaw.map((name) => `scaler/${name} has no effect: every port of its Services speaks HTTP`),
  ];
}

function unknownPorts(name: SettingName, of: readonly { readonly port?: number | string }[]): string[] {
  if (of.length === 0) return [];
  return [`scaler/${name}: none of its Services has a port ${fewOf(of.map(({ port }) => String(port)))}`];
}

const neverParked: readonly SettingName[] = ['metrics', 'idle-after', 'cooldown', 'min-awake', 'busy-until', 'veto'];
const outweighed: Readonly<Record<'awake' | 'asleep' | 'as-is', readonly SettingName[]>> = {
  awake: [...neverParked, 'dry-run'],
  asleep: [
    ...(['metrics', 'idle-after', 'replicas', 'hold-timeout', 'hold-limit'] as const),
    ...(['connect-timeout', 'response-timeout', 'idle-timeout'] as const),
  ],
  'as-is': [...neverParked, 'dry-run', 'replicas', 'follow-zero'],
};
