import type { ResourceRef } from '@scaler/scaler-types';
import type { ServiceInfo } from '../routing/service-info.ts';
import type { Store } from '@scaler/kube';
import { type ClearedPodsOptions, createClearedPods } from './cleared-pods.ts';
import type { PodInfo } from './pod-info.ts';
import { createTargetEndpoints, type TargetEndpoints } from './target-endpoints.ts';

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
