import {
  connectKube,
  createDlxAddresses,
  createEndpoints,
  createEventRecorder,
  type DlxAddresses,
  type KubeClient,
  readToken,
  type Workload,
} from '@scaler/kube';
import {
  type Notice,
  resourceKey,
  type ResourceRef,
  type ResourceScaler,
  type ScaleOptions,
  type ScaleResult,
  ScalerError,
  type ScalerContext,
} from '@scaler/scaler-types';
import { createAnnounce, createAnnounceNamespace } from './announce.ts';
import { keepBusy } from './busy-lease.ts';
import { type AtRest, createAtRest } from './at-rest.ts';
import { type Changes, createChanges } from './changes.ts';
import { createCounts } from './counts.ts';
import { createDeadMan } from './deadman.ts';
import { createExplain } from './explain-resource.ts';
import { feed } from './feed.ts';
import type { Ground } from './ground.ts';
import { createLookup } from './lookup.ts';
import { createLateKeys } from './late-keys.ts';
import { createMemory } from './memory.ts';
import { metricsOf } from './metrics.ts';
import { createNamespaces } from './namespaces.ts';
import { newsOf } from './news.ts';
import { parseOptions } from './options.ts';
import { createOwnerLog } from './owner-log.ts';
import { createPace, type Pace } from './pace.ts';
import { park } from './park.ts';
import { createPerformer, type Performer } from './perform.ts';
import { createPorts } from './ports.ts';
import { createReach } from './reach.ts';
import { createReconcile } from './reconcile.ts';
import { createRivals } from './rivals.ts';
import { resolveName } from './service-name.ts';
import { createStaleness } from './staleness.ts';
import { createStores, type Stores } from './stores.ts';
import { createUninstall } from './uninstall.ts';
import { whenUnlisted } from './unlisted.ts';
import { createUpdates } from './updates.ts';
import { wake } from './wake.ts';
import { createWatching } from './watching.ts';

const syncLimitMs = 30_000;

/**
 * Creates the scaler: Deployments and StatefulSets that carry the label `scaler/enabled: "true"`, with their Services.
 *
 * @throws DeploymentScalerError `invalid-option`. @throws KubeError `bad-config` when there is no usable kubeconfig.
 */
export async function createResourceScaler(context: ScalerContext): Promise<ResourceScaler> {
  const { kubeconfig, context: kubeContext, apiQps } = parseOptions(context.options);
  const { clock, logger, role } = context;
  const client = await connectKube({
    kubeconfig,
    context: kubeContext,
    userAgent: `scaler-${role}`,
    lanes: {
      normal: { concurrency: 16, qps: apiQps, burst: 2 * apiQps },
      // One write each, for every sleeper there is, within seconds.
      mirror: { concurrency: 16, qps: 4 * apiQps, burst: 8 * apiQps },
    },
    clock,
    logger,
  });
  return createScaler(client, context);
}

/** The same, on a client that is there already. */
export function createScaler(client: KubeClient, context: ScalerContext): ResourceScaler {
  const stop = new AbortController();
  const { ground, changes, flush, running } = lay(client, context, stop.signal);
  const ports = createPorts(ground);
  const performer = createPerformer(ground, ports);
  const reconcile = createReconcile(ground, performer, ports, `${context.role} ${context.identity}`);
  const explain = createExplain(ground);
  const { stores, lookup } = ground;
  let closing: Promise<void> | undefined;

  const whenSynced = async (signal: AbortSignal): Promise<void> => {
    await Promise.all([stores.whenSynced(signal), ground.namespaces.whenKnown(signal), dlxSynced(ground, signal)]);
  };

  return {
    getConfig: () => ({}),
    getResources: async (namespace) => {
      await whenSynced(AbortSignal.any([stop.signal, AbortSignal.timeout(syncLimitMs)]));
      const refs = lookup.refs().filter((ref) => namespace === undefined || ref.namespace === namespace);
      return refs.map((ref) => newsOf(ground, ref).resource).filter((resource) => resource !== undefined);
    },
    setScale: (resources, scale, options) => setScale(ground, performer, resources, scale, options),
    resolveServiceName: (resource, port) => resolveName(ground, resource, port),
    watchResources: async (listener, signal) => {
      const until = AbortSignal.any([signal, stop.signal]);
      const ended = new Promise<void>((resolve) => until.addEventListener('abort', () => resolve(), { once: true }));
      try {
        await whenSynced(until);
        changes.tell(listener, lookup.refs(), until);
        const stopFeeding = feed(ground);
        await ended;
        stopFeeding();
      } catch (error) {
        if (!until.aborted) throw error;
      }
    },
    isStale: stalenessOf(ground),
    watchEndpoints: (target, listener, signal) => ground.endpoints.watch(target, listener, signal),
    reconcile: async (resources, { signal }) => {
      const until = AbortSignal.any([signal, stop.signal]);
      await whenSynced(until);
      return reconcile(resources, until);
    },
    setBusy: (resource, until, { signal }) => keepBusy(ground, resource, until, AbortSignal.any([signal, stop.signal])),
    explain: (resource) => explain(resource, stop.signal),
    tell: (resource, notice) => tell(ground, resource, notice),
    whenUnlisted: (addresses, { signal }) =>
      whenUnlisted(client, context, addresses, AbortSignal.any([signal, stop.signal])),
    metrics: () => metricsOf(ground, ports.use),
    close: () => {
      closing ??= (async () => {
        await flush(AbortSignal.timeout(1_000)).catch(() => undefined);
        stop.abort(new Error('The scaler is closed'));
        ground.watching.close();
        ground.endpoints.close();
        client.close();
        await running;
      })();
      return closing;
    },
  };
}

interface Laid {
  readonly ground: Ground;
  readonly changes: ReturnType<typeof createChanges>;
  flush(signal: AbortSignal): Promise<void>;
  readonly running: Promise<unknown>;
}

function lay(client: KubeClient, context: ScalerContext, signal: AbortSignal): Laid {
  const { clock, logger, role, identity } = context;
  const options = parseOptions(context.options);
  const stores = createStores(client, context);
  const namespaces = createNamespaces({ client, clock, logger, options });
  const lookup = createLookup({ stores, options, namespaces, dryRun: context.dryRun === true });
  const { replicaSets, pods, services } = stores;
  const workloadOf = (ref: ResourceRef) => lookup.managed(ref)?.workload;
  const endpoints = createEndpoints({
    client,
    clock,
    logger,
    workloads: stores.workloads,
    replicaSets,
    pods,
    services,
    workloadOf,
  });
  const recorder = createEventRecorder({ client, component: 'scaler', instance: identity, clock, logger });
  const [announce, warnOwner] = [createAnnounce(recorder), createOwnerLog(clock, logger)];
  const dlx = role === 'autoscaler' ? dlxOf(client, context) : undefined;
  const atRest = createAtRest(clock);
  const lookAgain = lookingAgain(atRest, () => changes);
  const everything = (): void => lookup.refs().forEach((ref) => lookAgain(ref));
  const pace = paceOf(stores, context, lookAgain);
  const onChange = (): void => {
    if (deadMan?.gone === true) pace.open(sleepers(stores));
    else pace.close();
    everything();
  };
  const deadMan = dlx && createDeadMan({ dlx, limitMs: options.deadManSwitchMs, clock, logger, onChange });
  const ground: Ground = {
    uninstall: createUninstall(context, clock),
    ...{ client, clock, logger, role, options, stores, namespaces, lookup, endpoints, dlx, lookAgain, atRest },
    isDlxGone: () => deadMan?.gone ?? false,
    pace,
    memory: createMemory(clock),
    lateKeys: createLateKeys(clock),
    updates: createUpdates(stores, clock),
    counts: createCounts(stores.workloads),
    reach: createReach(clock, context.dlxToken),
    watching: createWatching(endpoints, lookAgain),
    ...{ announce, warnOwner, lostEvents: recorder.droppedOf },
    rivals: createRivals({ client, clock, warnOwner, announce }),
    announceNamespace: createAnnounceNamespace(recorder),
    ...{ parks: new Set(), repairs: new Map(), portBook: { held: undefined, refusals: new Map() } },
  };
  const isBlind = (): boolean => stores.workloads.some(({ store }) => store.failures.length > 0);
  const changes = createChanges(clock, role, (ref) => newsOf(ground, ref), isBlind);
  const parts = [
    stores.run(signal),
    namespaces.run(signal),
    dlx?.run(signal),
    deadMan?.run(signal),
    role === 'dlx' ? client.warm(signal) : undefined,
  ];
  return { ground, changes, flush: (until) => recorder.flush(until), running: Promise.allSettled(parts) };
}

function stalenessOf({ clock, role, namespaces, stores }: Ground): () => boolean {
  // The DLX would ask live for each arrival, for the sake of defaults.
  const look = (): boolean =>
    (role === 'autoscaler' && namespaces.silent) || stores.workloads.some(({ store }) => store.silent);
  return createStaleness(clock, look);
}

function lookingAgain(atRest: AtRest, changes: () => Changes): Ground['lookAgain'] {
  return (ref, ms) => {
    atRest.forget(ref);
    changes().lookAgain(ref, ms);
  };
}

function paceOf(stores: Stores, context: ScalerContext, onTurn: (ref: ResourceRef) => void): Pace {
  const { clock, logger } = context;
  const { deadManStarts: limit, deadManStartsPerNamespace: namespaceLimit } = parseOptions(context.options);
  const pace = createPace({ limit, namespaceLimit, clock, logger, onTurn });
  for (const { store } of stores.workloads) {
    store.subscribe(({ type, object }) => {
      if (type !== 'deleted' && isAsleep(object)) pace.look(object, 'asleep');
      else pace.look(object, type === 'deleted' || object.readyReplicas > 0 ? 'up' : 'starting');
    });
  }
  return pace;
}

function sleepers({ workloads }: Stores): readonly ResourceRef[] {
  return workloads.flatMap(({ store }) => store.list().filter(isAsleep));
}

function isAsleep(workload: Workload): boolean {
  return readToken(workload).phase === 'asleep';
}

function dlxOf(client: KubeClient, { dlxService, clock, logger }: ScalerContext): DlxAddresses | undefined {
  return dlxService && createDlxAddresses({ client, service: dlxService, clock, logger });
}

function dlxSynced({ dlx }: Ground, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (dlx === undefined || dlx.synced) {
      resolve();
      return;
    }
    const stop = dlx.subscribe(() => {
      if (!dlx.synced) return;
      stop();
      resolve();
    });
    signal.addEventListener('abort', () => {
      stop();
      reject(signal.reason as Error);
    });
  });
}

// The recorder puts what is told again together with what was told before.
function tell({ lookup, announce }: Ground, resource: ResourceRef, { reason, message }: Notice): void {
  const managed = lookup.managed(resource);
  if (managed !== undefined) announce(managed, reason, message);
}

async function setScale(
  ground: Ground,
  performer: Performer,
  resources: readonly ResourceRef[],
  scale: number,
  options: ScaleOptions,
): Promise<readonly ScaleResult[]> {
  const replicas = Math.max(options.replicas ?? 0, scale > 1 ? scale : 0);
  const waking: ScaleOptions = replicas > 0 ? { ...options, replicas } : options;
  return Promise.all(
    resources.map(async ({ namespace, name }): Promise<ScaleResult> => {
      const resource = { namespace, name };
      try {
        if (scale === 0) await park(ground, performer, resource, options);
        else await wake(ground, performer, resource, waking);
        return { resource, ok: true };
      } catch (error) {
        const wrapped =
          error instanceof Error ? error : new ScalerError('wake-failed', `${resourceKey(resource)}: ${String(error)}`);
        return { resource, ok: false, error: wrapped };
      }
    }),
  );
}
