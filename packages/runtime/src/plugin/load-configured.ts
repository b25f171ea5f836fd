import { hostname } from 'node:os';
import type { Clock, Logger, ProposedConfig, ScalerContext } from '@scaler/scaler-types';
import type { ConfigValues } from '../config/setting.ts';
import type { placeSettings, pluginSettings } from '../lifecycle/process-settings.ts';
import { createTokenFile } from '../http/token-file.ts';
import { type LoadedResourceScaler, loadResourceScaler, logWait } from './load.ts';
import { unlessAborted } from '@scaler/async';

type PlaceValues = ConfigValues<typeof placeSettings>;

export interface LoadConfiguredOptions {
  role: ScalerContext['role'];
  values: PlaceValues & ConfigValues<typeof pluginSettings>;
  /** The app's `import.meta.url`: where scalers are looked for last. */
  appUrl: string;
  /** The process only reports what it would do. Default false. */
  dryRun?: boolean;
  /** The process hands everything back for good. */
  uninstall?: ScalerContext['uninstall'];
  logger: Logger;
  clock: Clock;
  /** Ends the wait for the scaler. */
  signal: AbortSignal;
}

/** A scaler with the settings that it proposes. */
export interface ConfiguredScaler extends LoadedResourceScaler {
  proposal: ProposedConfig;
}

/** The identity of this process: `--identity`, else the host name, which in Kubernetes is the pod's. */
export function identityOf({ identity }: Pick<PlaceValues, 'identity'>): string {
  return identity ?? hostname();
}

/**
 * Loads the resource scaler that the settings name, gives it the settings of the place, and asks for its proposals.
 *
 * @throws RuntimeError as {@link loadResourceScaler} does; the signal's reason.
 */
export async function loadConfiguredScaler(options: LoadConfiguredOptions): Promise<ConfiguredScaler> {
  const loaded = await load(options);
  const { scaler, packageName } = loaded;
  try {
    const call = { packageName, member: 'getConfig' };
    const asked = Promise.resolve(scaler.getConfig());
    const proposal = await logWait(options, call, () => unlessAborted(asked, options.signal));
    return { ...loaded, proposal };
  } catch (error) {
    await scaler.close?.().catch(() => undefined);
    throw error;
  }
}

function load(options: LoadConfiguredOptions): Promise<LoadedResourceScaler> {
  const { role, values, appUrl, dryRun = false, uninstall, logger, clock, signal } = options;
  const { scaler: name, pluginDir, namespaces, dlxService, scalerOption, kubeconfig, controlTokenFile: file } = values;
  const token = role === 'autoscaler' && file !== undefined ? createTokenFile({ file, clock, logger }) : undefined;
  return loadResourceScaler({
    signal,
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
