import { type Clock, type Endpoint, type EndpointListener, errorCode, type Logger } from '@scaler/scaler-types';
import type { ServiceInfo } from '../routing/service-info.ts';
import { type Candidate, candidatesOf, endpointOf } from './candidate.ts';
import type { PodInfo } from './pod-info.ts';
import { createReadiness } from './probe/readiness.ts';

/** The usable endpoints of one port of one Service, while it is watched. */
export interface TargetEndpoints {
  readonly listeners: Set<EndpointListener>;
  readonly endpoints: readonly Endpoint[];
  /** Takes what there is now: the Service, and the pods that are cleared. Tells the listeners what changed, at once. */
  update(service: ServiceInfo | undefined, pods: readonly PodInfo[]): void;
  stop(): void;
}

export function createTargetEndpoints(port: number, clock: Clock, logger: Logger): TargetEndpoints {
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
    get endpoints() {
      return endpoints;
    },
    update: (service, pods) => {
      candidates = candidatesOf(service, port, pods);
      readiness.update(candidates);
      emit();
    },
    stop: () => readiness.stop(),
  };
}

/** Tells one listener; what it throws is logged, for the others' sake. */
export function tell(listener: EndpointListener, endpoints: readonly Endpoint[], logger: Logger): void {
  try {
    listener(endpoints);
  } catch (err) {
    logger.error('Endpoint listener failed', { code: errorCode(err), err });
  }
}
