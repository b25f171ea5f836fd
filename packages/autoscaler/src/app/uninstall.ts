import { connectKube, type KubeClient, kinds } from '@scaler/kube';
import { unlessAborted } from '@scaler/async';
import { createMetrics, identityOf, loadConfiguredScaler } from '@scaler/runtime';
import { type Clock, type Logger, resourceKey, type Resource, type ResourceScaler } from '@scaler/scaler-types';
import { AutoscalerError } from '../errors.ts';
import { leadershipOf } from './leadership.ts';
import { createObserver } from '../observe/metrics.ts';
import type { AutoscalerContext } from './run.ts';

/**
 * Hands everything back for good: stops the other autoscalers, takes the Lease, and ends when nothing is left.
 *
 * @throws AutoscalerError `not-handed-back`.
 */
export async function runUninstall(context: AutoscalerContext): Promise<void> {
  const { signal, shutdown, logger, clock } = context;
  const graceMs = context.config.values.uninstallGrace;
  const { scaler, config } = await loadConfiguredScaler({
    ...context,
    role: 'autoscaler',
    uninstall: { graceMs },
    closeStep: 50,
  });
  const { values } = config;
  const { lease, uninstallStops, kubeconfig } = values;
  const kube =
    lease || uninstallStops !== undefined
      ? await connectKube({ kubeconfig, userAgent: 'scaler-uninstall', clock, logger })
      : undefined;
  shutdown.step(60, 'close connections', () => kube?.close());
  if (kube !== undefined && uninstallStops !== undefined) await stopDeployment(kube, uninstallStops, signal);
  const observer = createObserver(createMetrics());
  const leadership = leadershipOf(values, { kube, identity: identityOf(values), observer, clock, logger });
  const done = new AbortController();
  const work = async (leadSignal: AbortSignal): Promise<void> => {
    await handBack({ scaler, clock, logger, limitMs: 2 * graceMs + 60_000 }, leadSignal);
    done.abort();
  };
  await leadership.run(work, AbortSignal.any([signal, done.signal])).catch((error: unknown) => {
    if (!done.signal.aborted) throw error;
  });
  if (done.signal.aborted) logger.info('everything is handed back');
}

function stopDeployment(kube: KubeClient, ref: { namespace: string; name: string }, signal: AbortSignal) {
  return kube.patch(kinds.deployment, ref, { spec: { replicas: 0 } }, { signal });
}

export interface HandBackParts {
  scaler: Pick<ResourceScaler, 'getResources' | 'reconcile' | 'setScale'>;
  clock: Clock;
  logger: Logger;
  limitMs: number;
}

const lookEveryMs = 500;

/**
 * Resolves when the scaler lists no resource that is left, twice in a row, since its list may lag behind the last writes.
 *
 * @throws AutoscalerError `not-handed-back` that names what is left.
 */
export async function handBack(parts: HandBackParts, signal: AbortSignal): Promise<void> {
  const { scaler, clock, logger, limitMs } = parts;
  const endMs = clock.monotonic() + limitMs;
  let logged: number | undefined;
  for (let nothing = 0; nothing < 2;) {
    signal.throwIfAborted();
    const left = await unlessAborted(scaler.getResources(), signal);
    nothing = left.length === 0 ? nothing + 1 : 0;
    if (left.length !== logged) logger.info('handing back', { left: left.length });
    logged = left.length;
    if (clock.monotonic() > endMs) {
      const names = left.slice(0, 10).map(resourceKey).join(', ');
      throw new AutoscalerError('not-handed-back', `${left.length} resources could not be handed back: ${names}`);
    }
    const sleepers = await step(scaler, left, signal, logger);
    if (!scaler.reconcile && sleepers === 0) return;
    await clock.sleep(lookEveryMs, signal);
  }
}

/** Without `reconcile`, `setScale` wakes all resources that are not `awake`. Returns their number. */
async function step(
  scaler: HandBackParts['scaler'],
  left: readonly Resource[],
  signal: AbortSignal,
  logger: Logger,
): Promise<number> {
  const asleep = left.filter(({ phase }) => phase !== 'awake');
  const reason = { by: 'uninstall', text: 'scaler is being uninstalled' };
  const results = scaler.reconcile
    ? await scaler.reconcile([], { signal })
    : await scaler.setScale(asleep, 1, { signal, reason });
  for (const result of results) {
    if (result.ok) continue;
    const { namespace, name } = result.resource;
    logger.warn('not handed back yet', { namespace, resource: name, err: result.error });
  }
  return asleep.length;
}
