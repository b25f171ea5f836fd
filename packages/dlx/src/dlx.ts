import { createMetrics, guardScaler, type Metrics, type Shutdown } from '@scaler/runtime';
import type { Clock, Logger, ResourceScaler } from '@scaler/scaler-types';
import { Accounting, Faults, secondsBuckets } from './ledger/accounting.ts';
import type { Core, Settings } from './core.ts';
import { addDrainSteps, type DrainOptions } from './drain.ts';
import { Upstreams } from './endpoints/upstreams.ts';
import { trustOf } from './identify/addresses.ts';
import { Resources } from './identify/resources.ts';
import { createProxy, TargetWay } from './proxy.ts';
import { DataServer } from './accept/data-server.ts';
import { Listeners } from './accept/listeners.ts';
import { SilenceLooks } from './sockets/silence.ts';
import { Turns } from './turns.ts';
import { WakeLimits } from './wake/wake-limits.ts';
import { WakeMetrics } from './wake/wake-metrics.ts';

/** Wakes that begin in one turn of the event loop. */
const wakesPerTurn = 8;

export interface DlxOptions {
  /** Is guarded here, unless it is. */
  readonly scaler: ResourceScaler;
  readonly clock: Clock;
  readonly logger: Logger;
  /** This replica's name. */
  readonly identity: string;
  readonly settings: Settings;
  readonly metrics?: Metrics;
  readonly listenHost: string;
  /** The shared port; 0: a free one. */
  readonly listenPort: number;
  /** Addresses and CIDRs whose target header is believed. */
  readonly trustedPeers: readonly string[];
  /** Milliseconds between two looks at the resources, where the scaler has no `watchResources`. */
  readonly pollMs: number;
}

/** A DLX: the data path with everything that it stands on. */
export interface Dlx {
  readonly core: Core;
  readonly resources: Resources;
  readonly listeners: Listeners;
  readonly server: DataServer;
  /** Resolves once the scaler has listed all resources, and all of their ports were tried. */
  readonly synced: Promise<void>;
  /** Listens on the shared port, and returns it. */
  listen(): Promise<number>;
  /** Follows the resources until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  /** Adds the drain's steps, 10 to 60. */
  addDrainSteps(shutdown: Shutdown, options: Omit<DrainOptions, 'core' | 'server' | 'listeners' | 'resources'>): void;
}

/** Puts a DLX together; nothing runs or listens yet. */
export function createDlx(options: DlxOptions): Dlx {
  const { clock, logger, listenHost, listenPort, trustedPeers, pollMs } = options;
  const core = createCore(options);
  const { promise: synced, resolve: onSynced } = Promise.withResolvers<void>();
  const sync = (): Promise<void> => listeners.sync(resources.directory.listenPorts);
  const resources = new Resources({
    core,
    wayFor: (lane) => new TargetWay(lane),
    pollMs,
    onPorts: () => void sync(),
    onSynced: () => void sync().then(onSynced),
  });
  const { directory } = resources;
  const server = new DataServer(core, createProxy(core, directory, trustOf(trustedPeers)), directory);
  const listeners = new Listeners({ host: listenHost, clock, logger, server });
  return {
    core,
    resources,
    listeners,
    server,
    synced,
    listen: () => server.listen(listenHost, listenPort),
    run: async (signal) => {
      await Promise.all([resources.run(signal), core.silence.run(server, signal)]);
    },
    addDrainSteps: (shutdown, times) => addDrainSteps(shutdown, { core, server, listeners, resources, ...times }),
  };
}

function createCore({ scaler, clock, logger, identity, settings, metrics = createMetrics() }: DlxOptions): Core {
  const accounting = new Accounting(metrics);
  accounting.ledger.limit = settings.holdBytesTotal;
  accounting.connections.limit = settings.connectionLimit;
  const faults = new Faults(metrics, clock, logger);
  const wakes = new WakeMetrics(metrics, secondsBuckets);
  const upstreams = new Upstreams(faults, accounting.ledger);
  return {
    scaler: guardScaler(scaler, { packageName: 'in this process', clock, logger }),
    clock,
    logger,
    accounting,
    faults,
    settings,
    upstreams,
    wakes,
    wakeLimits: new WakeLimits({
      limit: settings.wakeLimit,
      namespaceLimit: settings.wakeLimitNamespace,
      clock,
      counts: wakes.counts,
    }),
    wakeTurns: new Turns(wakesPerTurn),
    tunnels: new Set(),
    ownEnds: new Set(),
    silence: new SilenceLooks(clock),
    identity,
    draining: false,
    refusing: false,
    shedding: false,
  };
}
