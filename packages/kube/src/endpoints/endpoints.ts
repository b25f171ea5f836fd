import type { Clock, Endpoint, EndpointListener, Logger, ResourceRef, Target } from '@scaler/scaler-types';
import type { KubeClient } from '../client/client.ts';
import type { ServiceInfo } from '../routing/service-info.ts';
import type { Workload, WorkloadKind } from '../state/workload.ts';
import type { Store } from '../watch/store.ts';
import type { PodInfo, ReplicaSetInfo } from './pod-info.ts';

export interface EndpointsOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A store per kind of workload. */
  readonly workloads: readonly { readonly kind: WorkloadKind; readonly store: Store<Workload> }[];
  readonly replicaSets: Store<ReplicaSetInfo>;
  readonly pods: Store<PodInfo>;
  readonly services: Store<ServiceInfo>;
  /** Which of the workloads a resource is, where several kinds have one of that name. Default: the first that is opted in, else the first. */
  readonly workloadOf?: ((resource: ResourceRef) => Workload | undefined) | undefined;
}

/** The endpoints of all resources of some stores. Nothing runs for a target that nobody watches. */
export interface Endpoints {
  /**
   * The usable endpoints of a target: told at once (in the same call), then on each change, in the same tick as the
   * store's event. Ends with the signal. Several watchers of one target share the work.
   */
  watch(target: Target, listener: EndpointListener, signal: AbortSignal): void;
  /** Usable endpoints as known now; without a watcher, no probe runs and nothing is read live. */
  usable(target: Target): readonly Endpoint[];
  /**
   * Resolves as soon as the target has a usable endpoint.
   *
   * @throws the signal's reason when it aborts first.
   */
  whenUsable(target: Target, signal: AbortSignal): Promise<readonly Endpoint[]>;
  /**
   * Tells of a workload that was read or written live, so that a watch that lags behind cannot pass off pods from
   * before a sleep as usable. Call it with the result of every transition and live read.
   */
  observe(workload: Workload): void;
  /** Ends everything. */
  close(): void;
}

export function createEndpoints(_options: EndpointsOptions): Endpoints {
  throw new Error('Not built yet');
}
