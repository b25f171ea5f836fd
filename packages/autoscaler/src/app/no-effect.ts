import { type Config, flagName } from '@scaler/runtime';
import type { Settings } from './settings.ts';

type Name = keyof Settings & string;

const prometheus: readonly Name[] = [
  'prometheusUrl',
  'prometheusQueries',
  'prometheusCaFile',
  'prometheusTokenFile',
  'prometheusBasicFile',
];

/** Flags and variables that were given and change nothing beside the others, each as a sentence. Pure. */
export function settingsWithoutEffect({ values, sources }: Config<Settings>): readonly string[] {
  const because = new Map<Name, string>();
  const set = (names: readonly Name[], reason: string): void => names.forEach((name) => because.set(name, reason));
  const { metricsSource, lease, dryRun, dlxService, dlxPeers, controlTokenFile } = values;
  if (!metricsSource.includes('prometheus')) set(prometheus, 'prometheus is not among --metrics-source');
  if (!metricsSource.includes('custom-metrics')) {
    set(['metricResource', 'metricNamePattern'], 'custom-metrics is not among --metrics-source');
  }
  if (metricsSource.length === 0) set(['metricsTimeout', 'metricsConcurrency'], '--metrics-source names none');
  if (!lease) set(['leaseNamespace', 'leaseName', 'leaseDuration'], 'there is no Lease, by --no-lease');
  if (dryRun) set(['maxParks', 'brakeParks', 'preflightTimeout'], 'nothing is parked, by --dry-run');
  if (controlTokenFile === undefined) set(['dlxControlPort'], 'there is no --control-token-file');
  if (dlxService === undefined && dlxPeers.length > 0) {
    set(['dlxInfraPort', 'dlxControlPort'], 'each of --dlx-peers has its port');
  }
  return [...because]
    .filter(([name]) => sources[name] === 'flag' || sources[name] === 'env')
    .map(([name, reason]) => `${flagName(name)} has no effect: ${reason}`);
}
