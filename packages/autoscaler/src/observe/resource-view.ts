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

/** What the scaler tells of its resources, as of now. */
export interface ResourceView extends Pick<ResourceStore, 'list' | 'get' | 'onChange'> {
  /** By resource key: why what is known of it may be wrong. */
  doubts(): ReadonlyMap<string, string>;
  /** Resolves once all resources were told. @throws the signal's reason. */
  whenSynced(signal: AbortSignal): Promise<void>;
  /** Brings a view that is not pushed up to date. A failure becomes a doubt about every resource. @throws the signal's reason. */
  refresh(signal: AbortSignal): Promise<void>;
  /** Watches, where the scaler can; else lists until it has worked once. Until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export function createResourceView(parts: ResourceViewParts): ResourceView {
  const { scaler, clock, logger, retryMs } = parts;
  const store = createResourceStore();
  const synced = Promise.withResolvers<void>();
  // Why the telling has failed, until it works again.
  let doubt: string | undefined;

  let isSynced = false;
  const sync = (): void => {
    isSynced = true;
    doubt = undefined;
    synced.resolve();
  };
  const sayWhatIsWaitedFor = (): void => {
    if (!isSynced) logger.info('stopped while the scaler was to tell its resources');
  };
  const refresh = async (signal: AbortSignal): Promise<void> => {
    if (scaler.watchResources) return;
    try {
      store.replaceAll(await unlessAborted(scaler.getResources(), signal));
      sync();
    } catch (error) {
      signal.throwIfAborted();
      doubt = `the scaler cannot tell its resources: ${(error as Error).message}`;
      logger.warn('the scaler cannot tell its resources', { err: error });
    }
  };
  const watch = async (signal: AbortSignal): Promise<void> => {
    const why = await watchUntilEnd(scaler, listenerFor(store, sync), signal);
    if (signal.aborted) return;
    doubt = why;
    logger.error('the watch of the resources has ended, beginning again', { reason: why });
  };

  return {
    ...store,
    doubts: () => doubtsOf(store.list(), scaler, doubt),
    whenSynced: (signal) => unlessAborted(synced.promise, signal),
    refresh,
    async run(signal) {
      signal.addEventListener('abort', sayWhatIsWaitedFor, { once: true });
      if (!scaler.watchResources) {
        for (await refresh(signal); doubt !== undefined; await refresh(signal)) await clock.sleep(retryMs, signal);
        return aborted(signal);
      }
      while (!signal.aborted) {
        await watch(signal);
        if (!signal.aborted) await clock.sleep(retryMs, signal);
      }
    },
  };
}

/** For one watch. What it has not told of when it is synced was told by an earlier one, and is gone. */
function listenerFor(store: ResourceStore, onSynced: () => void): (change: ResourceChange) => void {
  const untold = new Map(store.list().map((resource) => [resourceKey(resource), resource]));
  return (change) => {
    if (change.type === 'synced') {
      untold.forEach((resource) => store.remove(resource));
      untold.clear();
      onSynced();
      return;
    }
    untold.delete(resourceKey(change.resource));
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

function doubtsOf(
  resources: readonly Resource[],
  scaler: Pick<ResourceScaler, 'isStale'>,
  doubt: string | undefined,
): ReadonlyMap<string, string> {
  const about = (resource: ResourceRef): string | undefined =>
    doubt ?? (scaler.isStale?.(resource) ? 'nothing was heard of it for too long' : undefined);
  return new Map(
    resources.flatMap((resource) => {
      const why = about(resource);
      return why === undefined ? [] : [[resourceKey(resource), why] as const];
    }),
  );
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
