import {
  type Clock,
  type Logger,
  type Resource,
  type ResourceChange,
  type ResourceRef,
  resourceKey,
  type ResourceScaler,
} from '@scaler/scaler-types';
import { createTroubles, type Trouble, unlessAborted, whenAborted } from '@scaler/async';
import type { GuardedScaler } from '@scaler/runtime';

export interface ResourceViewParts {
  scaler: GuardedScaler;
  clock: Clock;
  logger: Logger;
  /** Milliseconds before a watch that ended, or a first list that failed, is tried again. */
  retryMs: number;
}

const noList: Trouble = {
  key: 'resources',
  begun: 'the scaler cannot list its resources',
  ended: 'the scaler lists its resources again',
};

const noWatch: Trouble = {
  key: 'watch',
  begun: 'the watch of the resources has ended, beginning again',
  ended: 'the scaler tells its resources again',
};

export type ResourceView = ReturnType<typeof createResourceView>;

/** The resources of the scaler, as far as this process knows them now. */
export function createResourceView({ scaler, clock, logger, retryMs }: ResourceViewParts) {
  const store = createStore();
  const synced = Promise.withResolvers<void>();
  const troubles = createTroubles(clock, logger);
  // The reason the last list or watch failed, until one succeeds.
  let failure: string | undefined;

  let isSynced = false;
  const sync = (): void => {
    isSynced = true;
    for (const trouble of [noList, noWatch]) troubles.see(trouble, undefined);
    failure = undefined;
    synced.resolve();
  };
  const logWait = (): void => {
    if (!isSynced) logger.info('stopped while the scaler was to tell its resources');
  };
  const refresh = async (signal: AbortSignal): Promise<void> => {
    if (scaler.watchResources) return;
    try {
      store.replaceAll(await unlessAborted(scaler.getResources(), signal));
      sync();
    } catch (error) {
      signal.throwIfAborted();
      failure = `the scaler cannot list its resources: ${(error as Error).message}`;
      troubles.see(noList, { err: error });
    }
  };
  const watch = async (signal: AbortSignal): Promise<void> => {
    const reason = await watchUntilEnd(scaler, listenerFor(store, sync), signal);
    if (signal.aborted) return;
    failure = reason;
    troubles.see(noWatch, { reason });
  };

  return {
    get: store.get,
    list: store.list,
    onChange: store.onChange,
    /** By resource key: the reason the view of the resource may be out of date. */
    staleReasons: (): ReadonlyMap<string, string> => staleReasonsOf(store.list(), scaler, failure),
    /** Resolves once the scaler has listed all resources. @throws the signal's reason. */
    whenSynced: (signal: AbortSignal): Promise<void> => unlessAborted(synced.promise, signal),
    /** Lists the resources, where the scaler has no watch. A failure makes every resource stale. @throws the signal's reason. */
    refresh,
    /** Watches, where the scaler can; else lists until a list has succeeded. Until the signal aborts. */
    async run(signal: AbortSignal): Promise<void> {
      signal.addEventListener('abort', logWait, { once: true });
      if (!scaler.watchResources) {
        for (await refresh(signal); failure !== undefined; await refresh(signal)) await clock.sleep(retryMs, signal);
        return whenAborted(signal);
      }
      while (!signal.aborted) {
        await watch(signal);
        if (!signal.aborted) await clock.sleep(retryMs, signal);
      }
    },
  };
}

/** The listener of one watch. Resources that it has not sent before `synced` are of an earlier watch, and are gone. */
function listenerFor(store: ReturnType<typeof createStore>, onSynced: () => void): (change: ResourceChange) => void {
  const unseen = new Map(store.list().map((resource) => [resourceKey(resource), resource]));
  return (change) => {
    if (change.type === 'synced') {
      unseen.forEach((resource) => store.remove(resource));
      unseen.clear();
      onSynced();
      return;
    }
    unseen.delete(resourceKey(change.resource));
    if (change.type === 'set') store.set(change.resource);
    else store.remove(change.resource);
  };
}

async function watchUntilEnd(
  scaler: Pick<ResourceScaler, 'watchResources'>,
  listener: (change: ResourceChange) => void,
  signal: AbortSignal,
): Promise<string> {
  try {
    await scaler.watchResources?.(listener, signal);
    return 'the watch of the resources has ended';
  } catch (error) {
    return `the watch of the resources failed: ${(error as Error).message}`;
  }
}

function staleReasonsOf(
  resources: readonly Resource[],
  scaler: Pick<ResourceScaler, 'isStale'>,
  failure: string | undefined,
): ReadonlyMap<string, string> {
  const about = (resource: ResourceRef): string | undefined =>
    failure ?? (scaler.isStale?.(resource) ? 'the scaler has not heard of it for too long' : undefined);
  return new Map(
    resources.flatMap((resource) => {
      const reason = about(resource);
      return reason === undefined ? [] : [[resourceKey(resource), reason] as const];
    }),
  );
}

/** The resources as the scaler sent them last, by key. */
function createStore() {
  const resources = new Map<string, Resource>();
  const listeners = new Set<(ref: ResourceRef) => void>();

  const notify = (ref: ResourceRef): void => listeners.forEach((listener) => listener(ref));
  const set = (resource: Resource): void => {
    resources.set(resourceKey(resource), resource);
    notify(resource);
  };
  const remove = (ref: ResourceRef): void => {
    if (resources.delete(resourceKey(ref))) notify(ref);
  };
  return {
    set,
    remove,
    /** Takes a whole list: resources that are not in it are removed. */
    replaceAll(list: readonly Resource[]): void {
      const listed = new Set(list.map(resourceKey));
      for (const resource of [...resources.values()]) if (!listed.has(resourceKey(resource))) remove(resource);
      list.forEach(set);
    },
    get: (ref: ResourceRef) => resources.get(resourceKey(ref)),
    list: (): readonly Resource[] => [...resources.values()],
    /** Calls back with every resource that changes or is removed, until the returned function is called. */
    onChange(listener: (ref: ResourceRef) => void): () => void {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
