import { type Endpoint, type EndpointListener, resourceKey, type ResourceRef, type Target } from '@scaler/scaler-types';
import type { Workload } from '../workload/workload.ts';
import type { WorkloadStore } from '../cache/stores.ts';
import type { PodInfo } from './pod-info.ts';
import { ResourceEndpoints, type ResourceEndpointsOptions, tell } from './resource-endpoints.ts';
import { createWorkloadViews, type WorkloadViews } from './workload-views.ts';

export interface EndpointsOptions extends Omit<ResourceEndpointsOptions, 'views' | 'byOwner'> {
  /** One for each kind of workload. */
  readonly workloads: readonly WorkloadStore[];
  /** Which workload a resource is. */
  readonly workloadOf: (resource: ResourceRef) => Workload | undefined;
}

/**
 * The usable endpoints of the resources of some stores: pods that are surely alive (see `Coverage`) and Ready, or,
 * sooner, pass their own readinessProbe when asked from here; without a probe, that accept a connection.
 * Nothing runs for a target that is not watched.
 */
export function createEndpoints(options: EndpointsOptions) {
  const { logger } = options;
  const views = createWorkloadViews(options);
  const watched = new Map<string, ResourceEndpoints>();
  const byOwner = new Map<string, ResourceEndpoints>();
  const unsubscribe = follow(options, views, watched, byOwner);

  function watch({ resource: ref, service, port }: Target, listener: EndpointListener, signal: AbortSignal): void {
    if (signal.aborted) return;
    const key = resourceKey(ref);
    const resource = watched.get(key) ?? new ResourceEndpoints(ref, { ...options, views, byOwner });
    watched.set(key, resource);
    const target = resource.target(service, port);
    // A listener may be the same function for two watches; each has its own end.
    const own: EndpointListener = (endpoints) => listener(endpoints);
    target.listeners.add(own);
    signal.addEventListener('abort', () => {
      target.listeners.delete(own);
      if (target.listeners.size === 0) resource.drop(service, port);
      if (resource.idle) end(key, resource);
    });
    tell(own, target.endpoints, logger);
  }

  function end(key: string, resource: ResourceEndpoints): void {
    resource.stop();
    if (watched.get(key) === resource) watched.delete(key);
  }

  return {
    /**
     * Tells the usable endpoints of a target now, within this call, and then at each change, within the store's event.
     * Ends with the signal. Several watchers of one target share the work.
     */
    watch,
    /**
     * Resolves with the usable endpoints as soon as there are any.
     *
     * @throws the signal's reason when it aborts first.
     */
    whenUsable: (target: Target, signal: AbortSignal): Promise<readonly Endpoint[]> =>
      whenUsable(watch, target, signal),
    /**
     * Takes a workload that was read or written live, so that a watch that lags behind cannot pass off pods from before
     * a sleep as usable. Call it with what each transition and each live read returned.
     */
    observe: (workload: Workload): void => {
      views.observe(workload);
      watched.get(resourceKey(workload))?.refresh();
    },
    /**
     * Reads the pods of a resource live, where any of its targets is watched; the watchers get what that changes. For
     * a caller that waits while the watch of pods says nothing.
     *
     * @throws KubeError
     */
    readLive: async (resource: ResourceRef, signal: AbortSignal): Promise<void> =>
      watched.get(resourceKey(resource))?.cleared.readLive(signal),
    /** Ends everything. */
    close: (): void => {
      for (const stop of unsubscribe) stop();
      for (const [key, resource] of [...watched]) end(key, resource);
    },
  };
}

export type Endpoints = ReturnType<typeof createEndpoints>;

/** Refreshes what an event of a store concerns. Returns the ends of the subscriptions. */
function follow(
  { workloads, replicaSets, pods, services }: EndpointsOptions,
  views: WorkloadViews,
  watched: ReadonlyMap<string, ResourceEndpoints>,
  byOwner: ReadonlyMap<string, ResourceEndpoints>,
): readonly (() => void)[] {
  const anySelected = workloads.some(({ kind }) => kind.pods === 'selected');
  const resourcesOf = (pod: PodInfo): readonly ResourceEndpoints[] => {
    const owner = byOwner.get(pod.ownerUid ?? '');
    const selecting = anySelected
      ? [...watched.values()].filter((one) => one !== owner && one.cleared.selects(pod))
      : [];
    return owner === undefined ? selecting : [owner, ...selecting];
  };
  return [
    ...workloads.map(({ store }) =>
      store.subscribe((event) => {
        views.take(event);
        watched.get(resourceKey(event.object))?.refresh();
      }),
    ),
    replicaSets.subscribe(({ object }) => byOwner.get(object.ownerUid ?? '')?.refresh()),
    pods.subscribe(({ type, object }) => {
      for (const resource of resourcesOf(object)) {
        if (type === 'deleted') resource.cleared.forget(object.uid);
        resource.refresh();
      }
    }),
    services.subscribe(({ object }) => {
      for (const [key, resource] of watched) if (key.startsWith(`${object.namespace}/`)) resource.refresh();
    }),
  ];
}

function whenUsable(watch: Endpoints['watch'], target: Target, signal: AbortSignal): Promise<readonly Endpoint[]> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const done = new AbortController();
    const onAbort = (): void => {
      done.abort();
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    watch(
      target,
      (endpoints) => {
        if (endpoints.length === 0) return;
        signal.removeEventListener('abort', onAbort);
        // Not within the watch's own call: it may still be setting up.
        queueMicrotask(() => done.abort());
        resolve(endpoints);
      },
      done.signal,
    );
  });
}
