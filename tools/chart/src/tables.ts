import { join } from 'node:path';
import type { ConfigTable } from '@scaler/runtime';
import { root } from './places.ts';

/** The settings that the chart itself passes to an app, so that `settings` must not have them. */
const owned: Readonly<Record<'autoscaler' | 'dlx', readonly string[]>> = {
  autoscaler: [
    ...['scaler', 'scalerOption', 'pluginDir', 'identity', 'namespaces', 'kubeconfig', 'dlxService'],
    ...['infraHost', 'infraPort', 'dlxPeers', 'dlxInfraPort', 'lease', 'leaseNamespace', 'leaseName'],
    ...['controlTokenFile', 'dlxControlPort'],
    ...['prometheusQueries', 'uninstall', 'uninstallStops', 'uninstallGrace'],
  ],
  dlx: [
    ...['scaler', 'scalerOption', 'pluginDir', 'identity', 'namespaces', 'kubeconfig', 'dlxService'],
    ...['infraHost', 'infraPort', 'listenHost', 'listenPort', 'controlHost', 'controlPort', 'controlTokenFile'],
  ],
};

const files = { autoscaler: 'packages/autoscaler/src/app/settings.ts', dlx: 'packages/dlx/src/settings.ts' };

/** The settings of an app that values may give. @throws when the chart owns one that the app does not have. */
export async function settingsOf(app: keyof typeof files): Promise<ConfigTable> {
  // The app does not export them: only its own program and this check need them.
  const { settings } = (await import(join(root, files[app]))) as { settings: ConfigTable };
  const missing = owned[app].find((name) => !(name in settings));
  if (missing !== undefined) throw new Error(`${app} has no setting ${missing}, which the chart passes to it`);
  return Object.fromEntries(Object.entries(settings).filter(([name]) => !owned[app].includes(name)));
}
