import type { Clock, Logger } from '@scaler/scaler-types';
import type { KubeClient } from '../client/client.ts';
import type { Kind, KubeObject } from '../client/kinds.ts';
import { createItems } from './items.ts';
import { createReflector } from './reflector.ts';
import { isOlder } from './resource-version.ts';
import type { Store, WatchFailure } from './store.ts';

export interface WatchStoreOptions<T extends KubeObject, U> {
  readonly client: KubeClient;
  readonly kind: Kind<T>;
  /** One watch for each; left out: one for all namespaces. */
  readonly namespaces?: readonly string[] | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** What is kept of an object. An object it throws for is logged and left out. */
  readonly trim: (object: T) => U;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A watch that says nothing for so long, bookmarks included, is dead; default 90 s (the API sends a bookmark each minute). */
  readonly bookmarkLimitMs?: number | undefined;
}

/** A {@link Store} of one kind. Nothing happens before `run`. */
export function watchStore<T extends KubeObject, U>(options: WatchStoreOptions<T, U>): Store<U> {
  const { client, clock, logger, kind, trim, labelSelector, fieldSelector, bookmarkLimitMs = 90_000 } = options;
  const items = createItems<U>(logger);
  const waiting = new Set<() => void>();
  const onSynced = (): void => {
    if (isSynced()) for (const resolve of waiting) resolve();
  };
  const scopes = options.namespaces === undefined ? [undefined] : [...new Set(options.namespaces)];
  const reflectors = scopes.map((namespace) => ({
    namespace,
    reflector: createReflector({
      client,
      clock,
      logger,
      kind,
      selection: { namespace, labelSelector, fieldSelector },
      bookmarkLimitMs,
      trim,
      items,
      onSynced,
    }),
  }));
  const isSynced = (): boolean => reflectors.every(({ reflector }) => reflector.synced);
  const ageMs = (): number => {
    const nowMs = clock.monotonic();
    return Math.max(
      0,
      ...reflectors.map(({ reflector: { lifeAtMs } }) => (lifeAtMs === undefined ? Infinity : nowMs - lifeAtMs)),
    );
  };

  return {
    run: async (signal) => {
      await Promise.all(reflectors.map(({ reflector }) => reflector.run(signal)));
    },
    get synced() {
      return isSynced();
    },
    whenSynced: (signal) => whenSynced(isSynced, waiting, signal),
    get: items.get,
    list: items.list,
    get size() {
      return items.size;
    },
    addIndex: items.addIndex,
    byIndex: items.byIndex,
    subscribe: items.subscribe,
    ageMs,
    get silent() {
      return ageMs() > bookmarkLimitMs;
    },
    get lastResourceVersion() {
      return oldest(reflectors.map(({ reflector }) => reflector.resourceVersion));
    },
    get failures() {
      return reflectors.flatMap(({ namespace, reflector: { failure } }): WatchFailure[] =>
        failure === undefined ? [] : [{ namespace, error: failure }],
      );
    },
    get relists() {
      return reflectors.reduce((sum, { reflector }) => sum + reflector.relists, 0);
    },
  };
}

function whenSynced(isSynced: () => boolean, waiting: Set<() => void>, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (): void => {
      waiting.delete(done);
      signal?.removeEventListener('abort', onAbort);
      resolve();
    };
    const onAbort = (): void => {
      waiting.delete(done);
      reject(signal?.reason as Error);
    };
    if (isSynced()) resolve();
    else if (signal?.aborted) onAbort();
    else {
      waiting.add(done);
      signal?.addEventListener('abort', onAbort, { once: true });
    }
  });
}

function oldest(versions: readonly (string | undefined)[]): string | undefined {
  return versions.reduce((a, b) => (a === undefined || b === undefined ? undefined : isOlder(b, a) ? b : a));
}
