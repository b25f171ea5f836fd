import { EventRecorder, type KubeClient } from '@scaler/kube';
import { createDlxAddresses, type DlxAddresses } from './dlx/dlx-addresses.ts';
import { createEndpoints } from './endpoints/endpoints.ts';
import { readToken } from './workload/token.ts';
import type { Workload } from './workload/workload.ts';
import type { WorkloadKinds } from './workload/kind.ts';
import type { ResourceRef, ScalerContext, Clock } from '@scaler/scaler-types';
import { createAnnounce } from './events/announce.ts';
import { type AtRest, createAtRest } from './cache/at-rest.ts';
import { type Changes, createChanges } from './status/changes.ts';
import { createHistory } from './cache/history.ts';
import { createDeadMan } from './dlx/dead-man.ts';
import type { Dependencies } from './dependencies.ts';
import { Lookup } from './cache/lookup.ts';
import { createMemory } from './cache/memory.ts';
import { createNamespaces } from './cache/namespaces.ts';
import { statusOf } from './status/status.ts';
import { parseOptions } from './config/options.ts';
import { createOwnerLog } from './events/owner-log.ts';
import { createStartThrottle, type StartThrottle } from './act/start-throttle.ts';
import { createReachability } from './dlx/reachability.ts';
import { createConflicts } from './conflict/conflicts.ts';
import { createStores, isBroken, isMissing, type Stores } from './cache/stores.ts';
import { createWatching } from './endpoints/watching.ts';

/** Makes the parts of the scaler and starts those that run on, until `signal` aborts. */
export function assemble(client: KubeClient, context: ScalerContext, kinds: WorkloadKinds, signal: AbortSignal) {
  const { clock, logger, role, identity } = context;
  const options = parseOptions(context.options);
  const stores = createStores(client, context, kinds);
  const namespaces = createNamespaces({ client, clock, logger, options });
  const lookup = new Lookup({ stores, options, namespaces, dryRun: context.dryRun === true });
  const workloadOf = (ref: ResourceRef) => lookup.managed(ref)?.workload;
  const endpoints = createEndpoints({ client, clock, logger, ...stores, workloadOf });
  const recorder = new EventRecorder({ client, component: 'scaler', instance: identity, clock, logger });
  const [announce, warnOwner] = [createAnnounce(recorder), createOwnerLog(clock, logger)];
  const dlx = role === 'autoscaler' ? dlxOf(client, context) : undefined;
  const atRest = createAtRest(clock);
  const enqueue = enqueueing(atRest, () => changes);
  const everything = (): void => lookup.refs().forEach((ref) => enqueue(ref));
  const startThrottle = startThrottleOf(stores, context, enqueue);
  const onChange = (): void => {
    if (deadMan?.gone === true) startThrottle.open(sleepers(stores));
    else startThrottle.close();
    everything();
  };
  const deadMan = dlx && createDeadMan({ dlx, limitMs: options.deadManSwitchMs, clock, logger, onChange });
  const deps: Dependencies = {
    uninstall: createUninstall(context, clock),
    ...{ client, clock, logger, role, options, kinds, stores, namespaces, lookup, endpoints, dlx, enqueue, atRest },
    isDlxGone: () => deadMan?.gone ?? false,
    startThrottle,
    memory: createMemory(clock),
    history: createHistory(stores.workloads, clock),
    reachability: createReachability(clock, context.dlxToken),
    watching: createWatching(endpoints, enqueue),
    ...{ announce, warnOwner, lostEvents: recorder.droppedOf },
    conflicts: createConflicts({ client, clock, warnOwner, announce }),
    ...{ parks: new Set(), repairs: new Map(), portBook: { held: undefined, refusals: new Map() } },
  };
  // What our slices still lead to the DLX is held there until the leader has decided, whatever became of its labels.
  const isBlind = (ref: ResourceRef): boolean =>
    stores.workloads.some(isBroken) || (role === 'dlx' && lookup.straysOf(ref, []).length > 0);
  const changes = createChanges(clock, role, (ref) => statusOf(deps, ref), isBlind);
  const warm = role === 'dlx' ? client : undefined;
  const parts = [
    stores.run(signal),
    namespaces.run(signal),
    dlx?.run(signal),
    deadMan?.run(signal),
    warm?.warm(signal),
  ];
  return { deps, changes, flush: (until: AbortSignal) => recorder.flush(until), running: Promise.allSettled(parts) };
}

/** Silence is counted in minutes, and it is asked for at each request and for each of a thousand resources. */
const lookEveryMs = 50;

/** Whether what is known may be out of date, looked at anew no more often than is of use. */
export function stalenessOf({ clock, role, namespaces, stores }: Dependencies): () => boolean {
  let stale = false;
  let untilMs = -Infinity;
  return () => {
    const nowMs = clock.monotonic();
    if (nowMs < untilMs) return stale;
    untilMs = nowMs + lookEveryMs;
    // The DLX would ask live for each arrival, for the sake of defaults.
    stale = role === 'autoscaler' && namespaces.silent;
    stale ||= stores.workloads.some((one) => one.store.silent && !isMissing(one));
    return stale;
  };
}

function enqueueing(atRest: AtRest, changes: () => Changes): Dependencies['enqueue'] {
  return (ref, ms) => {
    atRest.forget(ref);
    changes().enqueue(ref, ms);
  };
}

function startThrottleOf(stores: Stores, context: ScalerContext, onStart: (ref: ResourceRef) => void): StartThrottle {
  const { clock, logger } = context;
  const { deadManStarts: limit, deadManStartsPerNamespace: namespaceLimit } = parseOptions(context.options);
  const startThrottle = createStartThrottle({ limit, namespaceLimit, clock, logger, onStart });
  for (const { store } of stores.workloads) {
    store.subscribe(({ type, object }) => {
      if (type !== 'deleted' && isAsleep(object)) startThrottle.look(object, 'asleep');
      else startThrottle.look(object, type === 'deleted' || object.readyReplicas > 0 ? 'up' : 'starting');
    });
  }
  return startThrottle;
}

function sleepers({ workloads }: Stores): readonly ResourceRef[] {
  return workloads.flatMap(({ store }) => store.list().filter(isAsleep));
}

function isAsleep(workload: Workload): boolean {
  return readToken(workload).phase === 'asleep';
}

function dlxOf(client: KubeClient, { dlxService, dlxToken, clock, logger }: ScalerContext): DlxAddresses | undefined {
  return dlxService && createDlxAddresses({ client, service: dlxService, token: dlxToken, clock, logger });
}

function createUninstall(context: Pick<ScalerContext, 'uninstall'>, clock: Clock): Dependencies['uninstall'] {
  const { uninstall } = context;
  if (uninstall === undefined) return undefined;
  const endMs = clock.monotonic() + uninstall.graceMs;
  return {
    get hasty() {
      return clock.monotonic() >= endMs;
    },
  };
}
