import { hostname } from 'node:os';
import { unlessAborted } from '@scaler/async';
import type { Clock, Logger, ScalerContext } from '@scaler/scaler-types';
import { applyProposal, type Config, logConfig, type Proposal } from '../config/config.ts';
import type { ConfigTable, ConfigValues } from '../config/setting.ts';
import { createTokenFile } from '../http/token-file.ts';
import type { placeSettings, pluginSettings } from '../lifecycle/process-settings.ts';
import type { Shutdown } from '../lifecycle/shutdown.ts';
import type { GuardedScaler } from './guarded-scaler.ts';
import { type LoadedResourceScaler, loadResourceScaler, logWait } from './load.ts';

type PlaceTable = typeof placeSettings & typeof pluginSettings;

export interface LoadConfiguredOptions<T extends ConfigTable> {
  role: ScalerContext['role'];
  config: Config<T>;
  /** The app's `import.meta.url`: where scalers are looked for last. */
  appUrl: string;
  /** The process only reports what it would do. Default false. */
  dryRun?: boolean;
  /** The process hands everything back for good. */
  uninstall?: ScalerContext['uninstall'];
  shutdown: Shutdown;
  /** The number of the shutdown step that closes the scaler. */
  closeStep: number;
  logger: Logger;
  clock: Clock;
  /** Ends the wait for the scaler. */
  signal: AbortSignal;
}

/** The identity of this process: `--identity`, else the host name, which in Kubernetes is the pod's. */
export function identityOf({ identity }: Pick<ConfigValues<PlaceTable>, 'identity'>): string {
  return identity ?? hostname();
}

/**
 * Loads the resource scaler that the settings name, gives it the settings of the place, and takes and logs its proposals.
 *
 * @returns the scaler, and the settings with what it proposes.
 * @throws RuntimeError as {@link loadResourceScaler} does, `invalid-config`; the signal's reason.
 */
export async function loadConfiguredScaler<T extends ConfigTable & PlaceTable>(
  options: LoadConfiguredOptions<T>,
): Promise<{ scaler: GuardedScaler; config: Config<T> }> {
  const { role, shutdown, closeStep, logger, signal } = options;
  // The constraint on T gives the values their types; inside, T is still open.
  const { values } = options.config as unknown as Config<PlaceTable>;
  const { scaler, packageName } = await load(options, values);
  let proposal: Proposal;
  try {
    const call = { packageName, member: 'getConfig' };
    const asked = Promise.resolve(scaler.getConfig());
    proposal = (await logWait(options, call, () => unlessAborted(asked, signal)))[role] ?? {};
  } catch (error) {
    await scaler.close?.().catch(() => undefined);
    throw error;
  }
  shutdown.step(closeStep, 'close the scaler', () => scaler.close?.());
  const config = applyProposal(options.config, proposal, packageName);
  logConfig(config, logger);
  return { scaler, config };
}

function load(
  { role, appUrl, dryRun = false, uninstall, logger, clock, signal }: Omit<LoadConfiguredOptions<never>, 'config'>,
  values: ConfigValues<PlaceTable>,
): Promise<LoadedResourceScaler> {
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
      ...(kubeconfig !== undefined && { kubeconfig }),
      options: scalerOption,
      dryRun,
      ...(uninstall !== undefined && { uninstall }),
      logger,
      clock,
    },
  });
}
