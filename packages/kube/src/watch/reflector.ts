import type { Clock, Logger } from '@scaler/scaler-types';
import { backoffMs } from '../client/caller.ts';
import type { KubeClient, Selection } from '../client/client.ts';
import type { Kind, KubeObject } from '../client/kinds.ts';
import { isKubeError, KubeError } from '../errors.ts';
import type { Item, Items } from './items.ts';
import { isOlder } from './resource-version.ts';
import { followWatch, type WatchEvent } from './watch-stream.ts';

export interface ReflectorOptions<T extends KubeObject, U> {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly kind: Kind<T>;
  readonly selection: Selection;
  readonly bookmarkLimitMs: number;
  readonly trim: (object: T) => U;
  readonly items: Items<U>;
  readonly onSynced: () => void;
}

/** Keeps one selection of objects true: lists, watches from there, and lists again only when it has to. */
export interface Reflector {
  run(signal: AbortSignal): Promise<void>;
  readonly synced: boolean;
  /** On the monotonic clock; undefined before the first list. */
  readonly lifeAtMs: number | undefined;
  readonly resourceVersion: string | undefined;
  readonly failure: KubeError | undefined;
  readonly relists: number;
}

const firstPauseMs = 200;
const longestPauseMs = 30_000;
// Nothing that time alone heals quickly: a missing permission, a missing kind.
const slowPauseMs = 30_000;
// A watch that ends sooner than this, with nothing said, is not a normal end.
const shortestWatchMs = 1_000;

export function createReflector<T extends KubeObject, U>(options: ReflectorOptions<T, U>): Reflector {
  const { client, clock, logger, kind, selection, items } = options;
  const scope = selection.namespace ?? '';
  const fields = { kind: kind.kind, namespace: selection.namespace };
  let synced = false;
  let lifeAtMs: number | undefined;
  // The position of the watch; undefined when a list has to come first.
  let position: string | undefined;
  let failure: KubeError | undefined;
  let failures = 0;
  let lists = 0;
  let wasSilent = false;

  function alive(resourceVersion: string): void {
    position = resourceVersion;
    lifeAtMs = clock.monotonic();
    if (failure !== undefined) logger.info('Watch works again', fields);
    failure = undefined;
    failures = 0;
    wasSilent = false;
  }

  function toItem(object: T): Item<U> {
    const { namespace, name = '', uid, resourceVersion = '' } = object.metadata ?? {};
    const item = { namespace: kind.namespaced ? namespace : undefined, name, uid, resourceVersion };
    try {
      return { ...item, object: options.trim(object) };
    } catch (err) {
      logger.error('Object cannot be used', { ...fields, namespace, name, err });
      return { ...item, object: undefined };
    }
  }

  async function list(signal: AbortSignal): Promise<void> {
    lists += 1;
    const { items: found, resourceVersion } = await client.list(kind, { ...selection, trim: toItem, signal });
    items.replace(scope, found);
    alive(resourceVersion);
    if (synced) return;
    synced = true;
    options.onSynced();
  }

  function take({ type, object, resourceVersion }: WatchEvent<T>): void {
    // An API server that lags behind must not turn time back.
    if (isOlder(resourceVersion, position)) {
      logger.debug('Watch event is older than the list', { ...fields, resourceVersion, position });
      return;
    }
    alive(resourceVersion);
    if (type === 'BOOKMARK') return;
    const item = toItem(object);
    if (type === 'DELETED') items.remove(scope, item);
    else items.put(scope, item);
  }

  async function watch(resourceVersion: string, signal: AbortSignal): Promise<void> {
    const startMs = clock.monotonic();
    await followWatch<T>({
      client,
      clock,
      kind,
      selection,
      resourceVersion,
      // A short watch after a silent one: the API sends a bookmark before it ends a watch, which is the sign of life we miss.
      timeoutSeconds: wasSilent ? 10 : 240 + Math.floor(Math.random() * 240),
      silenceLimitMs: options.bookmarkLimitMs,
      signal,
      onEvent: take,
    });
    if (position !== resourceVersion || clock.monotonic() - startMs >= shortestWatchMs) return;
    throw new KubeError('connection', `The watch of ${kind.plural} ended at once`);
  }

  async function recover(error: KubeError, signal: AbortSignal): Promise<void> {
    failure = error;
    failures += 1;
    wasSilent = error.code === 'timeout';
    if (isKubeError(error, 'gone', 'bad-answer', 'not-found')) position = undefined;
    const slow = isKubeError(error, 'forbidden', 'unauthorized', 'not-found', 'invalid');
    const pauseMs = slow ? slowPauseMs * (0.5 + Math.random() / 2) : backoffMs(failures, firstPauseMs, longestPauseMs);
    // The first `gone` or silence is normal life and goes on at once.
    const calm = failures === 1 && isKubeError(error, 'gone', 'timeout');
    logger[calm ? 'info' : 'warn']('Watch has to start again', {
      ...fields,
      code: error.code,
      reason: error.reason,
      err: error,
    });
    await clock.sleep(calm ? 0 : Math.max(pauseMs, error.retryAfterMs ?? 0), signal).catch(() => undefined);
  }

  return {
    run: async (signal) => {
      while (!signal.aborted) {
        try {
          if (position === undefined) await list(signal);
          if (position !== undefined) await watch(position, signal);
        } catch (error) {
          if (signal.aborted) return;
          await recover(toKubeError(error, kind), signal);
        }
      }
    },
    get synced() {
      return synced;
    },
    get lifeAtMs() {
      return lifeAtMs;
    },
    get resourceVersion() {
      return position;
    },
    get failure() {
      return failure;
    },
    get relists() {
      return Math.max(0, lists - 1);
    },
  };
}

function toKubeError(error: unknown, kind: Kind): KubeError {
  if (isKubeError(error)) return error;
  return new KubeError('bad-answer', `The watch of ${kind.plural} failed: ${String(error)}`, { cause: error });
}
