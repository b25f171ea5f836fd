import { type Clock, type Logger, systemClock } from '@scaler/scaler-types';
import type { Cluster } from '../cluster/credentials.ts';
import { createCaller } from './caller.ts';
import type { KubeClient } from './client.ts';
import { loadCluster } from '../cluster/cluster.ts';
import { createLaneGate, defaultBudgets, type Lane, type LaneBudget } from './lane.ts';
import { createObjectApi } from './object-api.ts';
import { openWatch } from './open-watch.ts';
import { createTransport } from './transport.ts';
import { keepWarm } from './warm.ts';

export interface ConnectOptions {
  /** Path of a kubeconfig. Default: the files of `KUBECONFIG`, `~/.kube/config`, the files of a pod, in this order. */
  readonly kubeconfig?: string | undefined;
  /** Default: the kubeconfig's current one. */
  readonly context?: string | undefined;
  /** Shown in the API's audit log. */
  readonly userAgent: string;
  /** Changes to the budgets; a lane that is given replaces its default as a whole. */
  readonly lanes?: Partial<Readonly<Record<Lane, LaneBudget>>> | undefined;
  /** Default: the machine's. */
  readonly clock?: Clock | undefined;
  readonly logger: Logger;
}

/**
 * Reads the kubeconfig and makes a client for its cluster. Sends nothing yet.
 *
 * @throws KubeError `bad-config` that names what cannot be used.
 */
export async function connectKube(options: ConnectOptions): Promise<KubeClient> {
  const { kubeconfig, context, clock = systemClock } = options;
  return createKubeClient(await loadCluster({ kubeconfig, context, clock }), { ...options, clock });
}

/** A client for a cluster whose address and credentials are known. */
export function createKubeClient(cluster: Cluster, options: ConnectOptions & { readonly clock: Clock }): KubeClient {
  const { clock, logger, userAgent, lanes } = options;
  const budgets = { ...defaultBudgets, ...lanes };
  const transport = createTransport({ cluster, userAgent, budgets });
  const gates = {
    wake: createLaneGate(budgets.wake, clock),
    normal: createLaneGate(budgets.normal, clock),
    mirror: createLaneGate(budgets.mirror, clock),
    bulk: createLaneGate(budgets.bulk, clock),
  };
  const call = createCaller({ transport, gates, clock });
  return {
    server: cluster.server,
    namespace: cluster.namespace,
    ...createObjectApi(call),
    openWatch: (kind, watchOptions) => openWatch(transport, clock, kind, watchOptions),
    warm: (signal) => keepWarm(call, { clock, logger }, signal),
    close: transport.close,
  };
}
