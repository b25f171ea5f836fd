import {
  type Clock,
  type Logger,
  type Resource,
  type ResourceChange,
  type ResourceRef,
  resourceKey,
  type ResourceScaler,
} from '@scaler/scaler-types';
import { unlessAborted } from '@scaler/async';
import type { GuardedScaler } from '@scaler/runtime';
import { createResourceStore, type ResourceStore } from './resource-store.ts';

export interface ResourceViewParts {
  scaler: GuardedScaler;
  clock: Clock;
  logger: Logger;
  /** Milliseconds before a watch that ended, or a first list that failed, is tried again. */
  retryMs: number;
}

/** The resources of the scaler, as far as this process knows them now. */
export interface ResourceView extends Pick<ResourceStore, 'list' | 'get' | 'onChange'> {
  /** By resource key: the reason reason the view of the resource may be out of date. */
  staleReasons(): ReadonlyMap<string, string>;
  /** Resolves once the scaler has listed all resources. @throws the signal's reason. */
  whenSynced(signal: AbortSignal): Promise<void>;
  /** Lists the resources, where the scaler has no watch. A failure makes every resource stale. @throws the signal's reason. */
  refresh(signal: AbortSignal): Promise<void>;
  /** Watches, where the scaler can; else lists until a list has succeeded. Until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export function createResourceView(parts: ResourceViewParts): ResourceView {
  const { scaler, clock, logger, retryMs } = parts;
  const store = createResourceStore();
  const synced = Promise.withResolvers<void>();
  // The reason reason the last list or watch failed, until one succeeds.
  let failure: string | undefined;

  let isSynced = false;
  const sync = (): void => {
    isSynced = true;
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
      logger.warn('the scaler cannot list its resources', { err: error });
    }
  };
  const watch = async (signal: AbortSignal): Promise<void> => {
    const reason = await watchUntilEnd(scaler, listenerFor(store, sync), signal);
    if (signal.aborted) return;
    failure = reason;
    logger.error('the watch of the resources has ended, beginning again', { reason });
  };

  return {
    ...store,
    staleReasons: () => staleReasonsOf(store.list(), scaler, failure),
    whenSynced: (signal) => unlessAborted(synced.promise, signal),
    refresh,
    async run(signal) {
      signal.addEventListener('abort', logWait, { once: true });
      if (!scaler.watchResources) {
        for (await refresh(signal); failure !== undefined; await refresh(signal)) await clock.sleep(retryMs, signal);
        return aborted(signal);
      }
      while (!signal.aborted) {
        await watch(signal);
        if (!signal.aborted) await clock.sleep(retryMs, signal);
      }
    },
  };
}

/** The listener of one watch. Resources that it has not sent before `synced` are of an earlier watch, and are gone. */
function listenerFor(store: ResourceStore, onSynced: () => void): (change: ResourceChange) => void {
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

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
