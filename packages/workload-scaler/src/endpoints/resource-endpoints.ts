import { type ResourceRef, type Endpoint, type EndpointListener, errorCode, type Logger } from '@scaler/scaler-types';
import type { ServiceInfo } from '../routing/service-info.ts';
import type { Store } from '@scaler/kube';
import { type ClearedPods, type ClearedPodsOptions, createClearedPods } from './cleared-pods.ts';
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
export class ResourceEndpoints {
  readonly cleared: ClearedPods;
  readonly #ref: ResourceRef;
  readonly #options: ResourceEndpointsOptions;
  readonly #targets = new Map<string, { readonly service: string; readonly endpoints: TargetEndpoints }>();
  #owners: ReadonlySet<string> = new Set();

  constructor(ref: ResourceRef, options: ResourceEndpointsOptions) {
    this.#ref = ref;
    this.#options = options;
    this.cleared = createClearedPods(ref, options, () => this.refresh());
  }

  get idle(): boolean {
    return this.#targets.size === 0;
  }

  /** What it leads to is known at once. */
  target(service: string, port: number): TargetEndpoints {
    const key = `${service}/${port}`;
    const known = this.#targets.get(key)?.endpoints;
    if (known !== undefined) return known;
    const endpoints = createTargetEndpoints(port, this.#options);
    this.#targets.set(key, { service, endpoints });
    // The others are as they were: all that changes them has them refreshed.
    this.#update([{ service, endpoints }]);
    return endpoints;
  }

  drop(service: string, port: number): void {
    const key = `${service}/${port}`;
    this.#targets.get(key)?.endpoints.stop();
    this.#targets.delete(key);
  }

  /** Looks at everything anew. Call it on each event that concerns the resource. */
  refresh(): void {
    this.#update([...this.#targets.values()]);
  }

  #update(targets: readonly { readonly service: string; readonly endpoints: TargetEndpoints }[]): void {
    const { pods, owners } = this.cleared.look();
    this.#own(owners);
    for (const { service, endpoints } of targets) {
      endpoints.update(this.#options.services.get(this.#ref.namespace, service), pods);
    }
  }

  #own(next: ReadonlySet<string>): void {
    const { byOwner } = this.#options;
    for (const uid of this.#owners) if (!next.has(uid)) byOwner.delete(uid);
    for (const uid of next) byOwner.set(uid, this);
    this.#owners = next;
  }

  stop(): void {
    this.cleared.stop();
    for (const { endpoints } of this.#targets.values()) endpoints.stop();
    this.#targets.clear();
    this.#own(new Set());
  }
}

/** The usable endpoints of one port of one Service, while it is watched. */
export function createTargetEndpoints(port: number, { clock, logger }: Pick<ClearedPodsOptions, 'clock' | 'logger'>) {
  const listeners = new Set<EndpointListener>();
  const readiness = createReadiness(clock, emit);
  let candidates: readonly Candidate[] = [];
  let endpoints: readonly Endpoint[] = [];

  function emit(): void {
    const ready = candidates.filter((candidate) => readiness.isReady(candidate));
    // The same object for the same instance, so that an unchanged list is seen to be unchanged.
    const known = new Map(endpoints.map((one) => [instanceOf(one.id, one), one]));
    const next = ready.map((one) => known.get(instanceOf(one.pod.uid, one)) ?? endpointOf(one, clock));
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

function instanceOf(id: string | undefined, { address, port }: Pick<Endpoint, 'address' | 'port'>): string {
  return `${id} ${port} ${address}`;
}

/** Tells one listener; what it throws is logged, for the others' sake. */
export function tell(listener: EndpointListener, endpoints: readonly Endpoint[], logger: Logger): void {
  try {
    listener(endpoints);
  } catch (err) {
    logger.error('Endpoint listener failed', { code: errorCode(err), err });
  }
}
