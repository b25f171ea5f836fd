import { createElection, type KubeClient } from '@scaler/kube';
import { configError, type ConfigValues } from '@scaler/runtime';
import type { Clock, Logger } from '@scaler/scaler-types';
import type { Observer } from '../observe/metrics.ts';
import type { Settings } from './settings.ts';

export interface LeadershipParts {
  kube: KubeClient | undefined;
  /** The name of this replica. */
  identity: string;
  observer: Observer;
  clock: Clock;
  logger: Logger;
}

export type Leadership = ReturnType<typeof leadershipOf>;

/**
 * Decides whether this replica acts: by a Lease, or always where none is wanted.
 *
 * @throws RuntimeError `invalid-config` when nothing says in which namespace the Lease is.
 */
export function leadershipOf(values: ConfigValues<Settings>, parts: LeadershipParts) {
  const { kube, observer } = parts;
  let held = false;
  const whileHeld = async (work: () => Promise<void>, signal: AbortSignal): Promise<void> => {
    const set = (now: boolean): void => {
      held = now;
      observer.leading(now);
    };
    // As soon as the signal aborts: the work winds down without acting.
    const onLost = (): void => set(false);
    signal.addEventListener('abort', onLost, { once: true });
    set(!signal.aborted);
    try {
      await work();
    } finally {
      signal.removeEventListener('abort', onLost);
      set(false);
    }
  };
  const election = values.lease && kube ? electionOf(values, kube, parts) : undefined;
  return {
    /**
     * Calls `work` whenever this replica may act; its signal aborts as soon as it may not. `isSuccessor`: another replica, or
     * an earlier process of this one, may have acted before. Until `signal` aborts.
     */
    run: (work: (signal: AbortSignal, isSuccessor: boolean) => Promise<void>, signal: AbortSignal): Promise<void> =>
      election
        ? election.run(signal, ({ signal: leadSignal, transitions }) =>
            whileHeld(() => work(leadSignal, transitions > 0), leadSignal),
          )
        : // Without a Lease a first start looks like a later one.
          whileHeld(() => work(signal, true), signal),
    /** Whether this replica acts now. */
    get held(): boolean {
      return held;
    },
  };
}

function electionOf(values: ConfigValues<Settings>, client: KubeClient, parts: LeadershipParts) {
  const namespace = values.leaseNamespace ?? client.namespace;
  if (namespace === undefined) {
    throw configError('--lease-namespace is missing, and neither a pod nor the kubeconfig context names a namespace');
  }
  const { leaseName: name, leaseDuration: leaseDurationMs } = values;
  return createElection({
    client,
    namespace,
    name,
    identity: parts.identity,
    leaseDurationMs,
    renewDeadlineMs: (leaseDurationMs * 2) / 3,
    retryPeriodMs: (leaseDurationMs * 2) / 15,
    clock: parts.clock,
    logger: parts.logger,
  });
}
