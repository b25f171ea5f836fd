import { connectKube, type KubeClient } from '@scaler/kube';
import {
  type Config,
  type ConfigValues,
  createChecks,
  createMetrics,
  createTokenFile,
  type Metrics,
  type ProcessContext,
  showScalerFaults,
  startAdminServer,
  startInfraServer,
  supervise,
  identityOf,
  loadConfiguredScaler,
} from '@scaler/runtime';
import type { Logger, ResourceScaler } from '@scaler/scaler-types';
import { lead, type LeadParts } from './lead.ts';
import { createPeerClient } from '../peers/peer-client.ts';
import { createResourceView } from '../observe/resource-view.ts';
import { createRing } from '../observe/history.ts';
import type { Queries } from '../collect/prometheus/queries.ts';
import { adminRoutes } from '../http/admin.ts';
import { busyRoutes } from '../http/busy.ts';
import { type Leadership, leadershipOf } from './leadership.ts';
import { settingsWithoutEffect } from './no-effect.ts';
import { createObserver } from '../observe/metrics.ts';
import type { Settings } from './settings.ts';
import { peersOf, sourcesOf } from './sources.ts';
import { observeSteps } from '../observe/step-age.ts';

/** The arguments of main. */
export interface AutoscalerContext extends ProcessContext {
  config: Config<Settings>;
  /** Main's `import.meta.url`: the last place where scalers are looked for. */
  appUrl: string;
  /** Called once the scaler has listed all resources, with their number. */
  onSynced?: ((resources: number) => void) | undefined;
}

/** The autoscaler, from its settings to its end. */
export async function runAutoscaler(context: AutoscalerContext): Promise<void> {
  const { signal, shutdown, logger, clock } = context;
  const { dryRun } = context.config.values;
  const { scaler, config } = await loadConfiguredScaler({ ...context, role: 'autoscaler', dryRun, closeStep: 50 });
  for (const warning of settingsWithoutEffect(config)) logger.warn('configuration is odd', { warning });
  const { values } = config;
  const kube = await connect(values, context);
  const { controlTokenFile: file } = values;
  const token = file === undefined ? undefined : createTokenFile({ file, clock, logger });
  const peerClient = createPeerClient({ clock, token });
  const peers = peersOf(values, kube);
  const sources = sourcesOf(values, { kube, peers, peerClient, clock });
  shutdown.step(60, 'close connections', () => {
    peerClient.close();
    for (const source of sources) source.close?.();
    kube?.close();
  });
  const metrics = createMetrics({ processMetrics: true });
  showScalerFaults(metrics, scaler);
  const observer = createObserver(metrics);
  const ring = createRing();
  const view = createResourceView({ scaler, clock, logger, retryMs: 1_000 });
  observeSteps(metrics, view, clock);
  showScalerMetrics(metrics, scaler, logger);
  const leadership = leadershipOf(values, { kube, identity: identityOf(values), observer, clock, logger });
  const leadParts: Omit<LeadParts, 'isSuccessor'> = {
    scaler,
    view,
    sources,
    fence: { peers, client: peerClient, infraPort: values.dlxInfraPort, timeoutMs: values.peerTimeout },
    preflight: { peers, client: peerClient, timeoutMs: values.preflightTimeout },
    ring,
    observer,
    settings: leadSettings(values),
    clock,
    logger,
    identity: identityOf(values),
  };
  await serve(context, values, { scaler, view, leadership, metrics, ring });
  const parts = [
    { name: 'resources', run: (partSignal: AbortSignal) => view.run(partSignal) },
    {
      name: 'leader',
      run: (partSignal: AbortSignal) =>
        leadership.run((leadSignal, isSuccessor) => lead({ ...leadParts, isSuccessor }, leadSignal), partSignal),
    },
  ];
  const acting = supervise(parts, signal, { clock, graceMs: values.shutdownTimeout });
  // Before connections are closed: parks are cancelled and the Lease is released over them.
  shutdown.step(20, 'stop acting', () => acting.catch(() => undefined));
  await acting;
}

function showScalerMetrics(metrics: Metrics, scaler: ResourceScaler, logger: Logger): void {
  metrics.include(
    () => scaler.metrics?.() ?? [],
    (problem) => logger.error('metrics of the scaler are left out', { problem }),
  );
}

/** Only the Lease, the metrics API and the DLX's Service need Kubernetes. */
async function connect(
  { lease, metricsSource, dlxService, kubeconfig }: ConfigValues<Settings>,
  { logger, clock }: AutoscalerContext,
): Promise<KubeClient | undefined> {
  const asksKube = metricsSource.some((source) => source !== 'prometheus');
  if (!lease && !asksKube && dlxService === undefined) return undefined;
  return connectKube({ kubeconfig, userAgent: 'scaler-autoscaler', clock, logger });
}

function leadSettings(values: ConfigValues<Settings>): LeadParts['settings'] {
  return {
    intervalMs: values.scaleInterval,
    cooldownMs: values.cooldown,
    dryRun: values.dryRun,
    idleAfterMs: values.idleAfter,
    metricNamePattern: values.metricNamePattern,
    defaultSource: values.metricsSource[0],
    windowedQueries: windowedQueries(values.prometheusQueries?.queries ?? new Map()),
    parksPerTick: values.brakeParks,
    maxParks: values.maxParks,
    maxReconciles: values.maxReconciles,
  };
}

function windowedQueries(queries: Queries): ReadonlySet<string> {
  return new Set([...queries].filter(([, { query }]) => query.placeholders.has('window')).map(([name]) => name));
}

/** A replica without the Lease is as ready as the one that holds it. */
async function serve(
  { signal, shutdown, logger, clock, onSynced }: AutoscalerContext,
  values: ConfigValues<Settings>,
  {
    scaler,
    view,
    ring,
    leadership,
    metrics,
  }: Pick<LeadParts, 'scaler' | 'view' | 'ring'> & { leadership: Leadership; metrics: Metrics },
): Promise<void> {
  const readiness = createChecks('resources', 'running');
  readiness.set('resources', false, 'the scaler has not listed all of its resources yet');
  readiness.set('running', true);
  view.whenSynced(signal).then(
    () => {
      readiness.set('resources', true);
      onSynced?.(view.list().length);
    },
    () => undefined,
  );
  shutdown.step(10, 'unready', () => readiness.set('running', false, 'stopping'));
  const { infraHost, infraPort, adminHost, adminPort, adminTokenFile } = values;
  const infra = await startInfraServer({ host: infraHost, port: infraPort, readiness, metrics, logger, clock });
  shutdown.step(90, 'stop the infrastructure server', () => infra.close());
  const admin = await startAdminServer({
    host: adminHost,
    port: adminPort,
    tokenFile: adminTokenFile,
    logger,
    register: (app) => {
      adminRoutes({ view, ring, leads: () => leadership.held, dryRun: values.dryRun })(app);
      busyRoutes({ scaler, view, clock, limitMs: values.busyLimit })(app);
    },
  });
  shutdown.step(80, 'stop the admin server', () => admin.close());
  logger.info('listening', { infra: infra.address, admin: admin.address });
}
