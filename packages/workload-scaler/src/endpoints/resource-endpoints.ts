import {
  type ResourceRef,
  type Clock,
  type Endpoint,
  type EndpointListener,
  errorCode,
  type Logger,
} from '@scaler/scaler-types';
import type { ServiceInfo } from '../routing/service-info.ts';
import type { Store } from '@scaler/kube';
import { type ClearedPodsOptions, createClearedPods } from './cleared-pods.ts';
import type { PodInfo } from './pod-info.ts';
import { type Candidate, candidatesOf, endpointOf } from './candidate.ts';
import { createReadiness } from './probe/readiness.ts';

/** What every watched resource shares. */
export interface ResourceEndpointsOptions extends ClearedPodsOptions {
  readonly services: Store<ServiceInfo>;
  /** Uid of a workload or ReplicaSet → the resource whose endpoints its pods may be. */
  readonly byOwner: Map<string, ResourceEndpoints>;
}

/** One resource of which some target is watched. */
export interface ResourceEndpoints {
  readonly idle: boolean;
  /** What it leads to is known at once. */
  target(service: string, port: number): TargetEndpoints;
  drop(service: string, port: number): void;
  /** Looks at everything anew. Call it on each event that concerns the resource. */
  refresh(): void;
  forgetPod(uid: string): void;
  /** Whether a pod is found by the workload's selector. */
  selects(pod: PodInfo): boolean;
  /** Asks the API whatever the watches say. @throws KubeError */
  readLive(signal: AbortSignal): Promise<void>;
  stop(): void;
}

export function createResourceEndpoints(ref: ResourceRef, options: ResourceEndpointsOptions): ResourceEndpoints {
  const { clock, logger, services, byOwner } = options;
  const targets = new Map<string, { readonly service: string; readonly endpoints: TargetEndpoints }>();
  const cleared = createClearedPods(ref, options, refresh);
  let owners: ReadonlySet<string> = new Set();

  function refresh(): void {
    const view = cleared.look();
    own(view.owners);
    for (const { service, endpoints } of [...targets.values()]) {
      endpoints.update(services.get(ref.namespace, service), view.pods);
    }
  }

  function own(next: ReadonlySet<string>): void {
    for (const uid of owners) if (!next.has(uid)) byOwner.delete(uid);
    for (const uid of next) byOwner.set(uid, self);
    owners = next;
  }

  const self: ResourceEndpoints = {
    get idle() {
      return targets.size === 0;
    },
    target: (service, port) => {
      const key = `${service}/${port}`;
      const known = targets.get(key)?.endpoints;
      if (known !== undefined) return known;
      const endpoints = createTargetEndpoints(port, clock, logger);
      targets.set(key, { service, endpoints });
      // The others are as they were: all that changes them has them refreshed.
      const view = cleared.look();
      own(view.owners);
      endpoints.update(services.get(ref.namespace, service), view.pods);
      return endpoints;
    },
    drop: (service, port) => {
      const key = `${service}/${port}`;
      targets.get(key)?.endpoints.stop();
      targets.delete(key);
    },
    refresh,
    forgetPod: cleared.forget,
    selects: cleared.selects,
    readLive: cleared.readLive,
    stop: () => {
      cleared.stop();
      for (const { endpoints } of targets.values()) endpoints.stop();
      targets.clear();
      own(new Set());
    },
  };
  return self;
}

/** The usable endpoints of one port of one Service, while it is watched. */
export function createTargetEndpoints(port: number, clock: Clock, logger: Logger) {
  const listeners = new Set<EndpointListener>();
  const readiness = createReadiness(clock, emit);
  let candidates: readonly Candidate[] = [];
  let endpoints: readonly Endpoint[] = [];

  function emit(): void {
    const ready = candidates.filter((candidate) => readiness.isReady(candidate));
    // The same object for the same instance, so that an unchanged list is seen to be unchanged.
    const known = new Map(
      endpoints.map((endpoint) => [`${endpoint.id} ${endpoint.port} ${endpoint.address}`, endpoint]),
    );
    const next = ready.map(
      (candidate) =>
        known.get(`${candidate.pod.uid} ${candidate.port} ${candidate.address}`) ?? endpointOf(candidate, clock),
    );
    const before = new Set(endpoints);
    if (next.length === endpoints.length && next.every((endpoint) => before.has(endpoint))) return;
    endpoints = next;
    for (const listener of [...listeners]) tell(listener, next, logger);
  }

  return {
    listeners,
    get endpoints(): readonly Endpoint[] {
      return endpoints;
    },
    /** Takes what there is now: the Service, and the pods that are cleared. Tells the listeners what changed, at once. */
    update: (service: ServiceInfo | undefined, pods: readonly PodInfo[]): void => {
      candidates = candidatesOf(service, port, pods);
      readiness.update(candidates);
      emit();
    },
    stop: (): void => readiness.stop(),
  };
}

export type TargetEndpoints = ReturnType<typeof createTargetEndpoints>;

/** Tells one listener; what it throws is logged, for the others' sake. */
export function tell(listener: EndpointListener, endpoints: readonly Endpoint[], logger: Logger): void {
  try {
    listener(endpoints);
  } catch (err) {
    logger.error('Endpoint listener failed', { code: errorCode(err), err });
  }
}
