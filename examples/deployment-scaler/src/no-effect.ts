import type { ServiceInfo } from '@scaler/kube';
import { pauseText } from '@scaler/scaler-types';
import type { RoutingMode } from './facts.ts';
import type { Managed } from './lookup.ts';
import { isNamed } from './protocol.ts';
import { hasSetting, type SettingName } from './settings.ts';

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
  if (pause !== undefined && pause.until === undefined) {
    for (const name of outweighed[pause.mode]) because.set(name, `it is ${pauseText(pause)} without an end`);
  }
  return [...because]
    .filter(([name]) => hasSetting(workload.annotations, name))
    .map(([name, why]) => `scaler/${name} has no effect: ${why}`);
}

/** Ports that the workload's own `scaler/tcp-ports` names and none of its Services has. Pure. */
export function portsWithoutEffect(
  { workload, settings }: Pick<Managed, 'workload' | 'settings'>,
  services: readonly ServiceInfo[],
): readonly string[] {
  if (!hasSetting(workload.annotations, 'tcp-ports')) return [];
  const ports = services.flatMap((service) => service.ports);
  return settings.tcpPorts
    .filter((declared) => !ports.some((port) => isNamed(port, declared)))
    .map(({ port }) => `scaler/tcp-ports: none of its Services has a port ${port}`);
}

const neverParked: readonly SettingName[] = ['metrics', 'idle-after', 'cooldown', 'min-awake', 'busy-until', 'veto'];
const outweighed: Readonly<Record<'awake' | 'asleep' | 'as-is', readonly SettingName[]>> = {
  awake: [...neverParked, 'dry-run'],
  asleep: ['metrics', 'idle-after', 'replicas'],
  'as-is': [...neverParked, 'dry-run', 'replicas', 'follow-zero'],
};
