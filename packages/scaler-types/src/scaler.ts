import type { Clock } from './clock.ts';
import type { Logger } from './logger.ts';
import type { ScalerMetric } from './metric.ts';
import type { Notice } from './notice.ts';
import type { Resource, ResourceRef, Target } from './resource.ts';

/** Settings that a scaler proposes by name, in camelCase. Explicit flags and environment win over them. */
export type ProposedConfig = Readonly<Record<string, string | number | boolean>>;

/** Why a scale happens, in words that end up in Events and `explain`. */
export interface ScaleReason {
  /** Who asks: `autoscaler` or `dlx`, and which replica of it. */
  by: string;
  /** One clause, for people: `requests_per_5m is 0 for 5m`, `a request for web:80 arrived`. */
  text: string;
}

/** What {@link ScaleOptions.confirm} is asked. */
export interface ConfirmRequest {
  resource: ResourceRef;
  /** The transition that waits for the answer. */
  epoch: string;
  /** Every DLX address (IP) that traffic of the resource is diverted to now, read live. */
  addresses: readonly string[];
}

/** `ok: false` cancels the park; `reason` says who is still using it, or who did not answer. */
export type ConfirmAnswer = { ok: true } | { ok: false; reason: string };

/**
 * How far a wake has come. `written`: what starts the resource is written, by this call or by somebody else's.
 * `scheduled`: it has a place to run on.
 */
export type WakeStep = 'written' | 'scheduled';

export interface ScaleOptions {
  /** Ends the work early. What was begun is left in a state that `reconcile`, or the next `setScale`, finishes or undoes. */
  signal: AbortSignal;
  reason: ScaleReason;
  /**
   * Only with scale 0; asked once per resource, before anything of it is touched: why the DLX could not stand in for it
   * (a replica does not listen for it, or does not reach its instances), one clause each. Empty: it could. Otherwise the
   * scaler ends with `park-refused` and tells the resource's owner.
   */
  preflight?: (resource: ResourceRef, signal: AbortSignal) => Promise<readonly string[]>;
  /**
   * Only with scale 0; asked once per resource, after its traffic is diverted and settled, right before it is stopped.
   * It is a fence: once it answers ok, every DLX asks `setScale(≥ 1)` live before it releases any later arrival.
   * A scaler that cannot be used by several processes at once may ignore it.
   */
  confirm?: (request: ConfirmRequest, signal: AbortSignal) => Promise<ConfirmAnswer>;
  /** Only with scale ≥ 1: how many replicas at the least. Default: as many as before it slept. */
  replicas?: number;
  /**
   * Only with scale ≥ 1: a scaler may tell how far the wake of a resource has come, as it comes, for the caller's metrics.
   * What it does not know it leaves out. Only a step's first call before `setScale` settles counts; nothing of the wake
   * may depend on it, so what it throws is to be caught.
   */
  progress?: (resource: ResourceRef, step: WakeStep) => void;
}

/** How one resource of a `setScale` or a `reconcile` ended. */
export type ScaleResult =
  | {
      resource: ResourceRef;
      ok: true;
      /**
       * Of `reconcile`: it is to be called again for this resource after so many milliseconds, at the latest an hour. A
       * change or a tick may come sooner, and the next result replaces this one. Left out: when something changes.
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
   * Asks the instance for a real answer from here, by its own readiness check. Absent: nothing better than a connect.
   *
   * @throws what went wrong.
   */
  check?: (signal: AbortSignal) => Promise<void>;
}

/** Told of each change, with the whole list each time. */
export type EndpointListener = (endpoints: readonly Endpoint[]) => void;

/** One change of {@link ResourceScaler.watchResources}. */
export type ResourceChange =
  | { type: 'set'; resource: Resource }
  | { type: 'removed'; resource: ResourceRef }
  /** All resources were told at least once. */
  | { type: 'synced' };

/** Why a resource does not start, as far as can be known. */
export interface Explanation {
  /** Nothing will change without a person: an image that does not exist, a quota. */
  hopeless: boolean;
  /** The platform's own reason, such as `ImagePullBackOff` or `Unschedulable`. */
  reason: string;
  /** One sentence for whoever waits. */
  text: string;
}

/**
 * A resource scaler: the plug-in that knows what a resource is, and how it is stopped, started and routed to.
 * Both apps load one by package name and use it at the same time, in several processes.
 */
export interface ResourceScaler {
  /** Asked once, right after creation, before anything else. @throws to stop the start. */
  getConfig(): Promise<ProposedConfig> | ProposedConfig;
  /**
   * Every managed resource, level-based: always the whole truth. Called at start and, without `watchResources`, on
   * every tick; never twice at once. A resource whose settings are wrong is left out and told to its owner.
   *
   * @throws when the truth cannot be had; the caller keeps what it knew, and parks nothing meanwhile.
   */
  getResources(namespace?: string): Promise<readonly Resource[]>;
  /**
   * To 0: divert, settle, `confirm`, stop. To ≥ 1: start, and resolve as soon as it can serve. Idempotent, safe from
   * several processes at once, abortable. One result per resource, in order; only what concerns them all rejects.
   * To ≥ 1 of one that a pause keeps asleep or as it is: a terminal `paused`.
   * Called concurrently for different resources; the apps never call it twice at once for the same one.
   */
  setScale(resources: readonly ResourceRef[], scale: number, options: ScaleOptions): Promise<readonly ScaleResult[]>;
  /** `host:port` that the DLX forwards to when there is no `watchEndpoints`. Called per wake. @throws `unknown-resource`. */
  resolveServiceName(resource: ResourceRef, port?: number): Promise<string> | string;
  /**
   * Tells of every resource now, then `synced`, then of each change, until the signal aborts. Called once per process.
   * Survives its own faults; {@link ResourceScaler.isStale} tells when it has heard nothing for too long.
   */
  watchResources?(listener: (change: ResourceChange) => void, signal: AbortSignal): Promise<void>;
  /** Whether what was told of this resource may be out of date. Cheap: asked for every arrival. Default: never. */
  isStale?(resource: ResourceRef): boolean;
  /**
   * The target's endpoints that can serve now: told at once, then at each change, until the signal aborts.
   * At most one per target and process; started by the first arrival.
   */
  watchEndpoints?(target: Target, listener: EndpointListener, signal: AbortSignal): void;
  /**
   * Finishes or undoes what is half done, hands traffic back. An empty list stands for everything there is, also what no
   * resource is left for. Called by the one that holds the Lease only: with one resource when it changed, with none on
   * every tick, and again after the `againMs` of its result; never for a resource while a `setScale` to 0 of it runs, and twice at once only with an empty list. One
   * result per resource that was looked at. Without it, `setScale` does all of it.
   */
  reconcile?(resources: readonly ResourceRef[], options: { signal: AbortSignal }): Promise<readonly ScaleResult[]>;
  /** Why it is not starting; undefined when nothing stands in its way. Called about twice a second while a wake lasts. */
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
   * Passes on to whoever looks after the resource what only the app knows, in the way of the platform: an Event. Called when
   * something begins and when it has ended, by the one that holds the Lease; after a change of it perhaps once more, so what
   * has been told is not told again. Does not wait; what it throws is logged.
   */
  tell?(resource: ResourceRef, notice: Notice): void;
  /**
   * For a DLX on its way out: resolves when nothing leads new connections to any of these addresses of its own any more,
   * as far as the platform's records say; whoever follows those may still have to hear of it. Called once per process.
   * Without it, or when it rejects, the DLX waits for nothing but its `--propagate`.
   */
  whenUnlisted?(addresses: readonly string[], options: { signal: AbortSignal }): Promise<void>;
  /**
   * Numbers that only the scaler knows, as they are now. Called at each scrape of the autoscaler's metrics: from memory. What
   * is malformed, or taken, is left out and logged.
   */
  metrics?(): readonly ScalerMetric[];
  /** Ends everything that it started. Idempotent; called once, last. */
  close?(): Promise<void>;
}

/** What a scaler is given. */
export interface ScalerContext {
  /** Which app it serves in. Only the autoscaler's calls `reconcile` and parks. */
  role: 'autoscaler' | 'dlx';
  /** Unique per process: the pod's name, in Kubernetes. */
  identity: string;
  /** The namespaces to manage; undefined: all. */
  namespaces: readonly string[] | undefined;
  /** The DLX's Service, `{namespace, name}`, whose ready addresses receive diverted traffic. Undefined: the scaler knows better. */
  dlxService: { namespace: string; name: string } | undefined;
  /**
   * The token that the DLX wants on its control port, read anew at each call; for a scaler that asks it something. To be sent
   * to addresses of the DLX's Service alone. Absent: there is none, and the DLX is asked on its infrastructure port.
   *
   * @throws when it cannot be read.
   */
  dlxToken?: () => Promise<string>;
  /** The scaler's own settings, from `--scaler-option name=value` and `SCALER_OPTION_<NAME>`; it validates them itself. */
  options: Readonly<Record<string, string>>;
  /**
   * Nothing is to be begun: `setScale` to 0 is not called, and `reconcile` touches only what an earlier run has begun.
   * Default false.
   */
  dryRun?: boolean;
  /**
   * Everything is handed back for good, as if no owner wanted his resource managed any more: `reconcile` wakes, restores
   * and takes away what was written, and `getResources` lists only what something is left of. After `graceMs`
   * milliseconds what does not come up has its traffic handed back all the same. Absent: business as usual.
   */
  uninstall?: { graceMs: number };
  logger: Logger;
  clock: Clock;
}

/** What a scaler package exports. */
export type CreateResourceScaler = (context: ScalerContext) => Promise<ResourceScaler> | ResourceScaler;
