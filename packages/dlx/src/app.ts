import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import {
  type Config,
  type ConfigValues,
  createChecks,
  createMetrics,
  createTokenFile,
  identityOf,
  loadConfiguredScaler,
  type ListenAddress,
  type InfraRoute,
  type Metrics,
  movedRoutes,
  type ProcessContext,
  showScalerFaults,
  readSmallFile,
  startAdminServer,
  startControlServer,
  startInfraServer,
} from '@scaler/runtime';
import { adminRoutes } from './control/admin.ts';
import { createDlx, type Dlx } from './dlx.ts';
import { collectGarbage, MemoryGuard, rssReader } from './ledger/memory-guard.ts';
import { firstPorts, peerRoutes } from './control/peer.ts';
import { dataSettings, type DlxTable, memoryMarks } from './settings.ts';

/** The context that main hands over. */
export interface DlxContext extends ProcessContext {
  config: Config<DlxTable>;
  /** Main's `import.meta.url`: where scalers are looked for last. */
  appUrl: string;
  /** Called once the scaler has listed all its resources, with their number. */
  onSynced?: ((resources: number) => void) | undefined;
}

const lookEveryMs = 1000;
/** For the steps behind the drain. */
const restMs = 2000;

/** The DLX, from its settings to its end. */
export async function runDlx(context: DlxContext): Promise<void> {
  const { shutdown, logger, clock } = context;
  const { scaler, config } = await loadConfiguredScaler({ ...context, role: 'dlx', closeStep: 70 });
  const { values } = config;
  const metrics = createMetrics({ processMetrics: true });
  showScalerFaults(metrics, scaler);
  const dlx = createDlx({
    scaler,
    clock,
    logger,
    identity: identityOf(values),
    settings: dataSettings(values),
    metrics,
    listenHost: values.listenHost,
    listenPort: values.listenPort,
    trustedPeers: values.trustedPeers,
    pollMs: values.resourceInterval,
  });
  // Not the process's own signal: what is held at SIGTERM still has to be woken, which needs the resources.
  const stop = new AbortController();
  shutdown.step(65, 'stop following the resources', () => stop.abort());
  const guard = await serve(context, values, dlx, metrics, stop.signal);
  // An error of the guard begins the shutdown, which needs the other still.
  await Promise.race([dlx.run(stop.signal), guard.run(stop.signal)]);
}

async function serve(
  { shutdown, logger, clock, onSynced }: DlxContext,
  values: ConfigValues<DlxTable>,
  dlx: Dlx,
  metrics: Metrics,
  signal: AbortSignal,
): Promise<MemoryGuard> {
  const readiness = createChecks('resources', 'ports', 'memory', 'running');
  readiness.set('resources', false, 'the scaler has not listed all of its resources yet');
  readiness.set('running', true);
  const unready = (): void => readiness.set('running', false, 'stopping');
  dlx.addDrainSteps(shutdown, { ...drainTimes(values), addresses: ownAddresses(values), unready });
  const guard = new MemoryGuard({
    core: dlx.core,
    server: dlx.server,
    marks: memoryMarks(values),
    metrics,
    read: rssReader(),
    collect: collectGarbage,
    ready: (ok, reason) => readiness.set('memory', ok, reason),
  });
  guard.look();
  void dlx.synced.then(() => {
    readiness.set('resources', true);
    onSynced?.(dlx.resources.gates.size);
  });
  void watchPorts(dlx, (reasons) => readiness.set('ports', reasons.length === 0, reasons.join('; ')), signal);
  const control = await serveControl(
    { shutdown, metrics, logger, clock },
    values,
    peerRoutes(dlx, { bounded: values.controlTokenFile === undefined }),
  );
  const infra = await startInfraServer({
    host: values.infraHost,
    port: values.infraPort,
    readiness,
    metrics,
    routes: control.infraRoutes,
    logger,
    clock,
  });
  shutdown.step(90, 'stop the infrastructure server', () => infra.close());
  const { autoscalerUrl: url, autoscalerTokenFile: tokenFile, autoscalerCaFile, adminTokenFile } = values;
  const ca = autoscalerCaFile === undefined ? undefined : await readSmallFile(autoscalerCaFile);
  const admin = await startAdminServer({
    host: values.adminHost,
    port: values.adminPort,
    tokenFile: adminTokenFile,
    logger,
    register: adminRoutes(dlx, url === undefined ? undefined : { url, tokenFile, ca }),
  });
  shutdown.step(80, 'stop the admin server', () => admin.close());
  const port = await dlx.listen();
  logger.info('listening', { port, infra: infra.address, control: control.address, admin: admin.address });
  return guard;
}

/** Serves what the autoscaler asks: with a token on a port of its own, else the infrastructure server does. */
async function serveControl(
  { shutdown, metrics, logger, clock }: Pick<DlxContext, 'shutdown' | 'logger' | 'clock'> & { metrics: Metrics },
  { controlHost: host, controlPort: port, controlTokenFile: file }: ConfigValues<DlxTable>,
  routes: InfraRoute[],
): Promise<{ infraRoutes: InfraRoute[]; address?: ListenAddress }> {
  if (file === undefined) return { infraRoutes: routes };
  const tokens = createTokenFile({ file, clock, logger });
  const server = await startControlServer({ host, port, tokens, routes, metrics, logger, clock });
  shutdown.step(85, 'stop the control server', () => server.close());
  return { infraRoutes: movedRoutes(routes), address: server.address };
}

/** The first step gets the time that the others do not need: slices may be many. */
function drainTimes({ propagate, drainTimeout, shutdownTimeout }: ConfigValues<DlxTable>) {
  const unlistedLimitMs = Math.max(0, shutdownTimeout - propagate - drainTimeout - restMs);
  return { unlistedLimitMs, propagateMs: propagate, drainTimeoutMs: drainTimeout };
}

/** Where it listens; on every address, all that the machine has. */
function ownAddresses({ listenHost }: ConfigValues<DlxTable>): readonly string[] {
  if (isIP(listenHost) !== 0 && !/^[0:.]+$/.test(listenHost)) return [listenHost];
  return Object.values(networkInterfaces()).flatMap((all = []) => all.map(({ address }) => address));
}

async function watchPorts(dlx: Dlx, report: (reasons: string[]) => void, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    report(firstPorts(dlx.listeners.failures()));
    await dlx.core.clock.sleep(lookEveryMs, signal).catch(() => {});
  }
}
