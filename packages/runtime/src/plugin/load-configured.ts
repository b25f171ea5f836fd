import { hostname } from 'node:os';
import type { Clock, Logger, ScalerContext } from '@scaler/scaler-types';
import type { ConfigValues } from '../config/table.ts';
import type { placeSettings, pluginSettings } from '../lifecycle/process-settings.ts';
import { createTokenFile } from '../http/token-file.ts';
import { type LoadedResourceScaler, loadResourceScaler } from './load.ts';

type PlaceValues = ConfigValues<typeof placeSettings>;

export interface LoadConfiguredOptions {
  role: ScalerContext['role'];
  values: PlaceValues & ConfigValues<typeof pluginSettings>;
  /** The app's `import.meta.url`: where scalers are looked for last. */
  appUrl: string;
  /** Nothing is to be begun. Default false. */
  dryRun?: boolean;
  /** Everything is handed back for good. */
  uninstall?: ScalerContext['uninstall'];
  logger: Logger;
  clock: Clock;
}

/** Who this process is: `--identity`, else the host name, which in Kubernetes is the pod's. */
export function identityOf({ identity }: Pick<PlaceValues, 'identity'>): string {
  return identity ?? hostname();
}

/**
 * Loads the resource scaler that the settings name, with what they say of the place.
 *
 * @throws RuntimeError as {@link loadResourceScaler} does.
 */
export function loadConfiguredScaler(options: LoadConfiguredOptions): Promise<LoadedResourceScaler> {
  const { role, values, appUrl, dryRun = false, uninstall, logger, clock } = options;
  const { scaler: name, pluginDir, namespaces, dlxService, scalerOption, kubeconfig, controlTokenFile: file } = values;
  const token = role === 'autoscaler' && file !== undefined ? createTokenFile({ file, clock, logger }) : undefined;
  return loadResourceScaler({
    name,
    cwd: process.cwd(),
    pluginDir,
    appUrl,
    logger,
    context: {
      role,
      identity: identityOf(values),
      namespaces: namespaces.length === 0 ? undefined : namespaces,
      dlxService,
      ...(token !== undefined && { dlxToken: () => token.first() }),
      options: { ...(kubeconfig !== undefined && { kubeconfig }), ...scalerOption },
      dryRun,
      ...(uninstall !== undefined && { uninstall }),
      logger,
      clock,
    },
  });
}
