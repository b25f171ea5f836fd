import type { Shutdown } from '@scaler/runtime';
import type { Clock } from '@scaler/scaler-types';
import type { Core } from './core.ts';
import type { Resources } from './identify/resources.ts';
import type { DataServer } from './accept/data-server.ts';
import type { Listeners } from './accept/listeners.ts';

export interface DrainOptions {
  readonly core: Core;
  readonly server: DataServer;
  readonly listeners: Listeners;
  readonly resources: Resources;
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
export function addDrainSteps(shutdown: Shutdown, options: DrainOptions): void {
  const { core, server, listeners, resources, addresses, unlistedLimitMs, propagateMs, drainTimeoutMs } = options;
  const { clock, accounting } = core;
  const refusal = { outcome: 'draining', detail: 'this DLX is shutting down' } as const;

  shutdown.step(10, 'unready', () => {
    core.draining = true;
    options.unready();
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
    await server.close();
  });
}

async function until(done: () => boolean, clock: Clock, signal: AbortSignal): Promise<void> {
  while (!done() && !signal.aborted) await clock.sleep(lookEveryMs, signal).catch(() => {});
}
