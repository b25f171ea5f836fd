import type { Clock } from './clock.ts';
import type { Logger } from './logger.ts';
import type { ScalerMetric } from './metric.ts';
import type { Notice } from './notice.ts';
import type { ProposedConfig } from './proposal.ts';
import type { Resource, ResourceRef, Target } from './resource.ts';

/** The reason of a scale, in words for Events and `explain`. */
export interface ScaleReason {
  /** The app that asks, `autoscaler` or `dlx`, with its replica. */
  by: string;
  /** One clause, for people: `requests_per_5m is 0 for 5m`, `a request for web:80 arrived`. */
  text: string;
}

/** The argument of {@link ScaleOptions.confirm}. */
export interface ConfirmRequest {
  resource: ResourceRef;
  /** The transition that waits for the answer. */
  epoch: string;
  /** Every DLX address (IP) that traffic of the resource is diverted to now, read live. */
  addresses: readonly string[];
}

/** `ok: false` cancels the park; `reason` names the DLX that has a request of it, or that did not answer. */
export type ConfirmAnswer = { ok: true } | { ok: false; reason: string };

/**
 * A step of a wake. `written`: the change that starts the resource is written, by this call or by another.
 * `scheduled`: the resource has a place to run on.
 */
export type WakeStep = 'written' | 'scheduled';

export interface ScaleOptions {
  /** Ends the work early, in a state that `reconcile`, or the next `setScale`, finishes or undoes. */
  signal: AbortSignal;
  reason: ScaleReason;
  /**
   * Only with scale 0; called once per resource, before the scaler touches it. Answers the reasons why the DLX could not
   * stand in for it (a replica does not listen for it, or does not reach its instances), one clause each. Empty: it could.
   * Otherwise the scaler ends with `park-refused` and notifies the resource's owner.
   */
  preflight?: (resource: ResourceRef, signal: AbortSignal) => Promise<readonly string[]>;
  /**
   * Only with scale 0; called once per resource, after its traffic is diverted and settled, right before it is stopped.
   * It is a fence: once it answers ok, every DLX calls `setScale(≥ 1)` before it releases any later arrival.
   * A scaler that cannot be used by several processes at once may ignore it.
   */
  confirm?: (request: ConfirmRequest, signal: AbortSignal) => Promise<ConfirmAnswer>;
  /** Only with scale ≥ 1: the least number of replicas. Default: as many as before it slept. */
  replicas?: number;
  /**
   * Only with scale ≥ 1: a scaler may report the steps of a resource's wake as they happen, for the caller's metrics. It
   * leaves out steps that it does not know. Only a step's first call before `setScale` settles counts. The wake must not
   * depend on it, so the scaler catches what it throws.
   */
  progress?: (resource: ResourceRef, step: WakeStep) => void;
}

/** The result for one resource of a `setScale` or a `reconcile`. */
export type ScaleResult =
  | {
      resource: ResourceRef;
      ok: true;
      /**
       * Only for `reconcile`: the milliseconds after which the app calls it again for this resource, at most an hour. A
       * change or a tick may come sooner, and the next result replaces this one. Left out: at the next change or tick.
       */
      againMs?: number;
    }
  | {
      resource: ResourceRef;
      ok: false;
      /** `park-refused` and `park-cancelled` are normal ends of a park; anything else is a failure. */
      error: Error;
    };

/** An address that can serve a target now. */
export interface Endpoint {
  /** IP address. */
  address: string;
  port: number;
  /** Stable while it is the same instance: a pod's uid, a process's id. */
  id: string;
  /**
   * Runs the instance's own readiness check from here. Absent: there is no better check than a connect.
   *
   * @throws Error that says what went wrong.
   */
  check?: (signal: AbortSignal) => Promise<void>;
}

/** Called at each change, with the whole list each time. */
export type EndpointListener = (endpoints: readonly Endpoint[]) => void;

/** One change of {@link ResourceScaler.watchResources}. */
export type ResourceChange =
  | { type: 'set'; resource: Resource }
  | { type: 'removed'; resource: ResourceRef }
  /** Every resource was sent at least once. */
  | { type: 'synced' };

/** The reason why a resource does not start, as far as it can be known. */
export interface Explanation {
  /** Whether only a person can change it: an image that does not exist, a quota. */
  hopeless: boolean;
  /** The platform's own reason, such as `ImagePullBackOff` or `Unschedulable`. */
  reason: string;
  /** One sentence for the client that waits. */
  text: string;
}

/**
 * A resource scaler: the plug-in that knows what a resource is, and how it is stopped, started and routed to.
 * Both apps load one by package name and use it at the same time, in several processes.
 */
export interface ResourceScaler {
  /**
   * Proposes settings to the apps: `{ autoscaler: {…}, dlx: {…} }`, of which each takes its own. Called once, right after
   * creation, before any other member.
   *
   * @throws to stop the start.
   */
  getConfig(): Promise<ProposedConfig> | ProposedConfig;
  /**
   * Lists every managed resource, level-based: always all of them. Called at start and, without `watchResources`, on every
   * tick; never twice at once. A resource with wrong settings is left out, and its owner is notified.
   *
   * @throws when they cannot be listed; the caller keeps those that it knew, and parks nothing meanwhile.
   */
  getResources(namespace?: string): Promise<readonly Resource[]>;
  /**
   * To 0: divert, settle, `confirm`, stop. To ≥ 1: start, and resolve as soon as it can serve. Idempotent, safe from
   * several processes at once, abortable. One result per resource, in order; it rejects only for a failure of them all.
   * To ≥ 1 of a resource that a pause keeps asleep or as it is: a terminal `paused`.
   * Called concurrently for different resources; the apps never call it twice at once for the same one.
   */
  setScale(resources: readonly ResourceRef[], scale: number, options: ScaleOptions): Promise<readonly ScaleResult[]>;
  /** `host:port` that the DLX forwards to when there is no `watchEndpoints`. Called per wake. @throws `unknown-resource`. */
  resolveServiceName(resource: ResourceRef, port?: number): Promise<string> | string;
  /**
   * Sends every resource now, then `synced`, then each change, until the signal aborts. Called once per process. Recovers
   * from its own faults; {@link ResourceScaler.isStale} says when it has heard nothing for too long.
   */
  watchResources?(listener: (change: ResourceChange) => void, signal: AbortSignal): Promise<void>;
  /** Whether the last change that was sent of this resource may be out of date. Cheap: called for every arrival. Default: never. */
  isStale?(resource: ResourceRef): boolean;
  /**
   * Sends the target's endpoints that can serve: at once, then at each change, until the signal aborts.
   * At most one per target and process; started by the first arrival.
   */
  watchEndpoints?(target: Target, listener: EndpointListener, signal: AbortSignal): void;
  /**
   * Finishes or undoes parks and wakes that were interrupted, and hands traffic back. An empty list stands for all
   * resources, and for objects that are left of removed ones. Called only by the Lease holder: with one resource when it
   * changed or after the `againMs` of its result, with none on every tick; never for a resource while a `setScale` to 0 of it
   * runs, and twice at once only with an empty list. One result per resource that was checked. Without it, `setScale` does
   * all of it.
   */
  reconcile?(resources: readonly ResourceRef[], options: { signal: AbortSignal }): Promise<readonly ScaleResult[]>;
  /** Explains why the resource does not start; undefined: there is no obstacle. Called about twice a second during a wake. */
  explain?(resource: ResourceRef): Promise<Explanation | undefined>;
  /**
   * Keeps a busy lease on the resource, where every process sees it: `busyUntil` is at least `until` (ISO 8601) from then
   * on; a longer one stays. Undefined ends it. Resolves once it is kept: a park that has not stopped the resource by then
   * does not. Called when people or their programs ask for it, from any replica of the autoscaler.
   *
   * @returns the lease as it is now, ISO 8601. @throws `unknown-resource`.
   */
  setBusy?(
    resource: ResourceRef,
    until: string | undefined,
    options: { signal: AbortSignal },
  ): Promise<string | undefined>;
  /**
   * Passes a notice of the app on to the resource's owner, in the way of the platform: an Event. The Lease holder calls it
   * when a condition begins and when it has ended; a new holder may repeat it, so the scaler drops a notice that it has
   * passed on already. Does not wait; an error that it throws is logged.
   */
  tell?(resource: ResourceRef, notice: Notice): void;
  /**
   * For a DLX that shuts down: resolves when the platform's records lead no new connections to these addresses of it any
   * more; components that follow the records may still lag behind. Called once per process. Without it, or when it rejects,
   * the DLX waits only for its `--propagate`.
   */
  whenUnlisted?(addresses: readonly string[], options: { signal: AbortSignal }): Promise<void>;
  /**
   * The scaler's own metrics, with their values now. Called at each scrape of the autoscaler's metrics: from memory. A metric
   * that is malformed, or whose name is taken, is left out and logged.
   */
  metrics?(): readonly ScalerMetric[];
  /** Ends all of the scaler's work. Idempotent; called once, last. */
  close?(): Promise<void>;
}

/** The context that a scaler is created with. */
export interface ScalerContext {
  /** The app that loads it. Only the autoscaler calls `reconcile` and parks. */
  role: 'autoscaler' | 'dlx';
  /** Unique per process: the pod's name, in Kubernetes. */
  identity: string;
  /** The namespaces to manage; undefined: all. */
  namespaces: readonly string[] | undefined;
  /** The DLX's Service, `{namespace, name}`, whose ready addresses receive diverted traffic. Undefined: the scaler finds them itself. */
  dlxService: { namespace: string; name: string } | undefined;
  /**
   * The token for the DLX's control port, read anew at each call, for a scaler that sends it requests. Send it only to
   * addresses of the DLX's Service. Absent: there is none; use the DLX's infrastructure port.
   *
   * @throws when it cannot be read.
   */
  dlxToken?: () => Promise<string>;
  /** The path of the kubeconfig that the app was given by `--kubeconfig`, for a scaler that needs one. Absent: none. */
  kubeconfig?: string | undefined;
  /** The scaler's own settings, from `--scaler-option name=value` and `SCALER_OPTION_<NAME>`; it validates them itself. */
  options: Readonly<Record<string, string>>;
  /**
   * Whether the process is a dry run: `setScale` to 0 is not called, and `reconcile` only finishes what an earlier run has
   * begun. Default false.
   */
  dryRun?: boolean;
  /**
   * Set during an uninstall, which hands everything back for good, as if no resource were opted in: `reconcile` wakes,
   * restores and removes what scaler wrote, and `getResources` lists only resources that are not done. After `graceMs`
   * milliseconds the traffic of a resource that does not come up is handed back anyway.
   */
  uninstall?: { graceMs: number };
  logger: Logger;
  clock: Clock;
}

/** The export of a scaler package. */
export type CreateResourceScaler = (context: ScalerContext) => Promise<ResourceScaler> | ResourceScaler;
