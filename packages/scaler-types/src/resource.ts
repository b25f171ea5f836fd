import type { Pause } from './pause.ts';
import type { ScaleResource } from './scale-resource.ts';
import type { ScaleEvent } from './scale-event.ts';

/** Names one resource. `name` is unique in its namespace among all resources of one scaler. */
export interface ResourceRef {
  namespace: string;
  name: string;
}

/**
 * `awake`: it serves, and traffic goes straight to it. `parking`: on its way to zero, may still be cancelled.
 * `asleep`: at zero, its traffic goes to the DLX. `waking`: started, not yet handed its traffic back.
 */
export type Phase = 'awake' | 'parking' | 'asleep' | 'waking';

/** The target of a connection: one port of one Service of one resource. `port` is the Service's port number. */
export interface Target {
  resource: ResourceRef;
  service: string;
  port: number;
}

/** How a request on the DLX's shared port names a target: by host and path, as an Ingress or HTTPRoute does. */
export interface Route {
  /** Lower case, without port or final dot; `*.example.com` matches one label; `*` any host. */
  host: string;
  /** Default `/`. */
  path?: string;
  /** Default `Prefix`, element by element, as in an Ingress. */
  pathType?: 'Prefix' | 'Exact';
  /**
   * Host and path alone do not decide whether a request is for this target or for something else. Then it is for neither,
   * and not for a wider route. Default false.
   */
  ambiguous?: boolean;
}

/**
 * One of the DLX's own ports, to which traffic for a target is diverted. Where several targets claim one port, a target whose
 * traffic is diverted there wins over one whose is not, and the earlier over the later.
 */
export interface Led {
  port: number;
  /** ISO 8601. Absent: not known, which is later than any. */
  since?: string;
}

/** A port of a resource that may receive traffic. */
export interface TargetPort {
  service: string;
  /** The Service's port number, 1–65535. */
  port: number;
  /** The Service port's name, where it has one. */
  portName?: string;
  /** The DLX's own port for this target; exact for any host and protocol. Absent until one is allocated. */
  listenPort?: number;
  /** The port to which its traffic is diverted now: `listenPort`, or another one after a late change. Absent: none. */
  led?: Led;
  /** Hosts and paths of this target on the DLX's shared port, beside the Service's DNS names. */
  routes?: readonly Route[];
  /**
   * For each of `routes`, in their order, ISO 8601 or empty: when the object that declares it, such as an Ingress, was
   * created. Of two that claim one host and path the older is served. Empty or absent: the resource's `createdAt`.
   */
  routesSince?: readonly string[];
  /**
   * The protocol of a connection to the DLX's own port. `http`: HTTP/1.1, HTTP/2 or a protocol that a request upgrades to.
   * `tcp`: any; its bytes are passed on as they come. Absent: HTTP, but for a connection whose first bytes are surely those
   * of TLS, PostgreSQL, Redis or the PROXY protocol, which is as with `tcp`.
   */
  protocol?: 'http' | 'tcp';
  /**
   * The side that sends first where the protocol is `tcp`. `client`: a connection wakes with its first byte, so that a check
   * which only connects does not. `server`: each connection wakes. Absent: a connection wakes with its first byte, or after
   * 100 ms without one.
   */
  speaksFirst?: 'client' | 'server';
  /** A raw connection to an endpoint begins with a PROXY protocol header of that version, which names the client. Default: none. */
  proxyProtocol?: 'v1' | 'v2';
  /** Each client, by its address, is kept at one endpoint, the same in every DLX. Default: they take turns. */
  clientAffinity?: boolean;
}

/** Requests that neither wake nor count as activity; every field given must match. */
export interface QuietRule {
  method?: string;
  /** Exact path, or a prefix when it ends in `*`. */
  path?: string;
  /** Header name in lower case → exact value, or a prefix when it ends in `*`. */
  headers?: Readonly<Record<string, string>>;
  port?: number;
}

/** One managed resource, with all of its state as the scaler sees it now. JSON-safe. */
export interface Resource extends ResourceRef {
  /** Its kind in Kubernetes, plural and group: `statefulsets.apps`, for its custom metrics. Default: the autoscaler's `--metric-resource`. */
  kind?: string;
  /**
   * ISO 8601; when the resource was created. Where two claim the same port, host or name, the older is served. Absent: when
   * an app first sees it.
   */
  createdAt?: string;
  /** Idle when every one of these is at or below its threshold. Empty: only the DLX's own count can prove idleness (`dlxSeesAll`). */
  scaleResources: readonly ScaleResource[];
  targets: readonly TargetPort[];
  /** Absent: unknown, which counts as awake for parking and as asleep for forwarding. */
  phase?: Phase;
  /** Replicas asked for now. */
  replicas?: number;
  lastScaleEvent?: ScaleEvent;
  /** ISO 8601, UTC. */
  lastScaleEventTime?: string;
  /** ISO 8601; since when it is awake. Absent: not known, which counts from when it is first seen so. */
  awakeSince?: string;
  /** Whether all traffic passes the DLX even while awake, so that its count proves idleness too. Default false. */
  dlxSeesAll?: boolean;
  /** Milliseconds without a request after which it is idle by the DLX's count; used with `dlxSeesAll`. */
  idleAfterMs?: number;
  /** Milliseconds after a wake, an update or a cancelled park in which it is not parked. Default: the autoscaler's. */
  cooldownMs?: number;
  /** Milliseconds that it stays awake at the least once it is. Default 0. */
  minAwakeMs?: number;
  /** The owner's pause, which comes before metrics and requests. */
  pause?: Pause;
  /** ISO 8601; the end of its busy lease: it is not parked before. In the past: as if absent. */
  busyUntil?: string;
  /** Whether it is judged, but never parked. Default false. */
  dryRun?: boolean;
  /** Milliseconds that one request may be held. Default: the DLX's. */
  holdTimeoutMs?: number;
  /** Milliseconds within which a connection to an endpoint must stand, at least 1; then another is tried. Default: the DLX's. */
  connectTimeoutMs?: number;
  /** Milliseconds that an endpoint may stay silent before its answer begins. 0: no limit. Default: the DLX's. */
  responseTimeoutMs?: number;
  /** Milliseconds that a body, a stream or a joined connection may be silent. 0: no limit. Default: the DLX's. */
  idleTimeoutMs?: number;
  /**
   * Milliseconds that a connection to an endpoint in HTTP/1 is kept for the next request. 0: each request has one of its own.
   * Default: the DLX's.
   */
  upstreamKeepAliveMs?: number;
  /** Requests held at once. Default: the DLX's. */
  holdLimit?: number;
  quietRules?: readonly QuietRule[];
  /** The reason why this resource must not be parked now, in words; empty or absent: it may be. */
  blocked?: string;
}

/** `namespace/name`, the key used in logs, metrics and maps. */
export function resourceKey(ref: ResourceRef): string {
  // One string: a template keeps its parts beside it, for as long as a map has it.
  return [ref.namespace, ref.name].join('/');
}
