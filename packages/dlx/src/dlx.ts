import { createMetrics, guardScaler, type Metrics, type Shutdown } from '@scaler/runtime';
import type { Clock, Logger, ResourceScaler } from '@scaler/scaler-types';
import { DataServer } from './accept/data-server.ts';
import { Listeners } from './accept/listeners.ts';
import type { Core } from './core.ts';
import { UpstreamSessions } from './http2/upstream-sessions.ts';
import { Upstreams } from './endpoints/upstreams.ts';
import { trustOf } from './identify/directory.ts';
import { Resources } from './identify/resources.ts';
import { Accounting, Faults, secondsBuckets } from './ledger/accounting.ts';
import { createProxy, TargetWay } from './proxy.ts';
import type { Settings } from './settings.ts';
import { SilenceLooks } from './sockets/silence.ts';
import { Turns, WakeLimits } from './wake/wake-limits.ts';
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
  addDrainSteps(shutdown: Shutdown, options: DrainOptions): void;
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
  const parts = { core, resources, listeners, server, synced };
  return {
    ...parts,
    listen: () => server.listen(listenHost, listenPort),
    run: async (signal) => {
      await Promise.all([resources.run(signal), core.silence.run(server, signal)]);
    },
    addDrainSteps: (shutdown, options) => addDrainSteps(shutdown, parts, options),
  };
}

function createCore({ scaler, clock, logger, identity, settings, metrics = createMetrics() }: DlxOptions): Core {
  const accounting = new Accounting(metrics);
  accounting.ledger.limit = settings.holdBytesTotal;
  accounting.connections.limit = settings.connectionLimit;
  const faults = new Faults(metrics, clock, logger);
  const wakes = new WakeMetrics(metrics, secondsBuckets);
  return {
    scaler: guardScaler(scaler, { packageName: 'in this process', clock, logger }),
    clock,
    logger,
    accounting,
    faults,
    settings,
    upstreams: new Upstreams(faults, accounting.ledger, clock),
    sessions: new UpstreamSessions(faults),
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

export interface DrainOptions {
  /** Says that this replica takes no more work, where readiness is asked. */
  readonly unready: () => void;
  /** Where new connections reach this replica. */
  readonly addresses: readonly string[];
  /** Milliseconds that the scaler has at most to say that nothing leads to them any more. */
  readonly unlistedLimitMs: number;
  /** Milliseconds from then on until every kube-proxy has heard of it; connections are taken until then. */
  readonly propagateMs: number;
  /** Milliseconds that held and in-flight requests have from then on. */
  readonly drainTimeoutMs: number;
}

const lookEveryMs = 20;
const flushMs = 1000;

/** The DLX's way out, in numbered steps: no request is dropped without a word. */
function addDrainSteps(
  shutdown: Shutdown,
  { core, server, listeners, resources }: Pick<Dlx, 'core' | 'server' | 'listeners' | 'resources'>,
  { unready, addresses, unlistedLimitMs, propagateMs, drainTimeoutMs }: DrainOptions,
): void {
  const { clock, accounting } = core;
  const refusal = { outcome: 'draining', detail: 'this DLX is shutting down' } as const;

  shutdown.step(10, 'unready', () => {
    core.draining = true;
    unready();
  });
  const unlisted = async (signal: AbortSignal): Promise<void> => core.scaler.whenUnlisted?.(addresses, { signal });
  shutdown.step(15, 'unlisted', unlisted, { limitMs: unlistedLimitMs });
  shutdown.step(20, 'propagate', (signal) => clock.sleep(propagateMs, signal));
  shutdown.step(30, 'stop accepting', () => {
    server.stopAccepting();
    listeners.close();
    // By now a new connection reaches another replica.
    server.leave();
  });
  const finish = (signal: AbortSignal): Promise<void> =>
    until(() => accounting.held + accounting.inFlight === 0, clock, signal);
  shutdown.step(40, 'finish held and in flight', finish, { limitMs: drainTimeoutMs });
  const refuse = async (signal: AbortSignal): Promise<void> => {
    core.refusing = true;
    for (const gate of resources.gates.values()) gate.failHeld(refusal);
    for (const tunnel of core.tunnels) tunnel.leave(refusal.outcome, refusal.detail);
    for (const connection of server.connections) connection.refuse(refusal);
    server.endIdle();
    await until(() => server.connections.size + core.tunnels.size === 0, clock, signal);
  };
  shutdown.step(50, 'answer the rest', refuse, { limitMs: flushMs });
  shutdown.step(60, 'close the data path', async () => {
    resources.close();
    core.upstreams.close();
    core.sessions.close();
    await server.close();
  });
}

async function until(done: () => boolean, clock: Clock, signal: AbortSignal): Promise<void> {
  while (!done() && !signal.aborted) await clock.sleep(lookEveryMs, signal).catch(() => {});
}
