import type { Clock, Logger } from '@scaler/scaler-types';
import type { KubeClient, Selection } from '../client/client.ts';
import type { CallOptions } from '../client/caller.ts';
import type { Kind } from '../objects/kinds.ts';
import type { KubeObject } from '../objects/wire.ts';
import { backoffMs } from '@scaler/async';
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
  /** Given where the kind may be missing or closed; called when it is. */
  readonly onMissing: ((error: KubeError) => void) | undefined;
}

const firstPauseMs = 200;
const longestPauseMs = 30_000;
// After a failure that time alone does not heal quickly: a missing permission, a missing kind.
const slowPauseMs = 30_000;
// Between two looks for an optional kind that is missing.
const missingPauseMs = 120_000;
const failuresToMissing = 3;
// A watch that ends sooner than this without an event has not ended normally.
const shortestWatchMs = 1_000;
// Of the bookmark limit: when a watch that says nothing is asked about, and how long the short watch may say nothing.
const askAfter = 5 / 6;
const askFor = 1 / 18;
const shortWatchSeconds = 3;

/** Keeps one selection of objects up to date: lists, watches from there, and lists again only when it has to. */
export class Reflector<T extends KubeObject, U> {
  synced = false;
  /** When the last list, event or bookmark came, on the monotonic clock; undefined before the first list. */
  lifeAtMs: number | undefined;
  /** The resourceVersion up to which all events came; undefined when a list has to come first. */
  position: string | undefined;
  failure: KubeError | undefined;
  /** The number of lists, the first one included. */
  lists = 0;
  #failures = 0;
  /** It said nothing for so long that it is asked whether anything was missed. */
  #asking = false;
  /** Since it was last given up as missing, if ever. */
  #served = false;
  readonly #options: ReflectorOptions<T, U>;
  readonly #scope: string;
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor(options: ReflectorOptions<T, U>) {
    this.#options = options;
    this.#scope = options.selection.namespace ?? '';
    this.#fields = { kind: options.kind.kind, namespace: options.selection.namespace };
  }

  /** Ends only when `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        if (this.position === undefined) await this.#list(signal);
        if (this.position !== undefined) await this.#watch(this.position, signal);
      } catch (error) {
        if (!signal.aborted) await this.#recover(toKubeError(error, this.#options.kind), signal);
      }
    }
  }

  /** Lists some of the objects live, and takes those that the watch has not sent yet. */
  async readLive(namespace: string | undefined, labelSelector: string, options: CallOptions): Promise<U[]> {
    const { client, kind, selection, items } = this.#options;
    const labels = [selection.labelSelector ?? [], labelSelector].flat().join(',');
    const part = { ...selection, namespace, labelSelector: labels, ...options };
    const list = await client.list(kind, { ...part, trim: (object) => this.#toItem(object) });
    // An object of an older list may be deleted since, and the watch will not report that again.
    const isNews = this.position === undefined || isOlder(this.position, list.resourceVersion);
    if (isNews) for (const item of list.items) items.put(this.#scope, item);
    return list.items.flatMap(({ object }) => object ?? []);
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { client, kind, selection, items } = this.#options;
    this.lists += 1;
    const list = await client.list(kind, { ...selection, trim: (object) => this.#toItem(object), signal });
    items.replace(this.#scope, list.items);
    this.#alive(list.resourceVersion);
    this.#settle();
  }

  #settle(): void {
    if (this.synced) return;
    this.synced = true;
    this.#options.onSynced();
  }

  async #watch(resourceVersion: string, signal: AbortSignal): Promise<void> {
    const { client, clock, kind, selection, bookmarkLimitMs } = this.#options;
    const startMs = clock.monotonic();
    await followWatch<T>({
      client,
      clock,
      kind,
      selection,
      resourceVersion,
      // What a dead watch has missed comes at once. Where nothing was missed nothing comes, so this watch is short, and the
      // list after it shows that the API answers.
      timeoutSeconds: this.#asking ? shortWatchSeconds : 240 + Math.floor(Math.random() * 240),
      silenceLimitMs: bookmarkLimitMs * (this.#asking ? askFor : askAfter),
      signal,
      onEvent: (event) => this.#take(event),
    });
    if (this.#asking) this.position = undefined;
    if (this.position !== resourceVersion || clock.monotonic() - startMs >= shortestWatchMs || signal.aborted) return;
    throw new KubeError('connection', `The watch of ${kind.plural} ended at once`);
  }

  #take({ type, object, resourceVersion }: WatchEvent<T>): void {
    // An API server that lags behind must not turn time back.
    if (isOlder(resourceVersion, this.position)) {
      this.#options.logger.debug('Watch event is older than what is known', { ...this.#fields, resourceVersion });
      return;
    }
    this.#alive(resourceVersion);
    if (type === 'DELETED') this.#options.items.remove(this.#toItem(object));
    else if (type !== 'BOOKMARK') this.#options.items.put(this.#scope, this.#toItem(object));
  }

  #alive(resourceVersion: string): void {
    const { clock, logger } = this.#options;
    if (this.failure !== undefined) logger.info('Watch works again', this.#fields);
    this.position = resourceVersion;
    this.lifeAtMs = clock.monotonic();
    this.failure = undefined;
    this.#failures = 0;
    this.#asking = false;
    this.#served = true;
  }

  #toItem(object: T): Item<U> {
    const { kind, trim, logger } = this.#options;
    const { namespace, name = '', uid, resourceVersion = '' } = object.metadata ?? {};
    const item = { namespace: kind.namespaced ? namespace : undefined, name, uid, resourceVersion };
    try {
      return { ...item, object: trim(object) };
    } catch (err) {
      logger.error('Object cannot be used', { ...this.#fields, namespace, name, err });
      return { ...item, object: undefined };
    }
  }

  async #recover(error: KubeError, signal: AbortSignal): Promise<void> {
    const { clock, logger, onMissing } = this.#options;
    const isSilent = error.code === 'timeout' && this.position !== undefined;
    // The short watch said nothing either: the list tells.
    if (isSilent && this.#asking) this.position = undefined;
    this.#asking = error.code === 'timeout';
    // An API server sends no bookmarks of a kind of which it has seen no event since it started: that is no failure.
    if (isSilent && this.failure === undefined) {
      logger.debug('Watch says nothing, asking whether anything was missed', { ...this.#fields, err: error });
      return;
    }
    if (onMissing !== undefined && this.#isMissing(error)) {
      await this.#doWithout(error, onMissing, signal);
      return;
    }
    // Without a connection no kind can be listed, so a caller that waits for this kind goes on waiting.
    if (onMissing !== undefined && error.code !== 'connection') this.#settle();
    const before = this.failure;
    this.failure = error;
    this.#failures += 1;
    if (isKubeError(error, 'gone', 'bad-answer', 'not-found')) this.position = undefined;
    // The first `gone` goes on at once, since the API answers.
    const calm = error.code === 'gone' && before?.code !== 'gone';
    const { code, reason } = error;
    logger[calm ? 'info' : 'warn']('Watch has to start again', { ...this.#fields, code, reason, err: error });
    if (!calm) await clock.sleep(pauseMs(error, this.#failures), signal).catch(() => undefined);
  }

  // An API server that starts may refuse a kind that it serves a minute later: the objects are kept until that is past.
  #isMissing(error: KubeError): boolean {
    return isKubeError(error, 'not-found', 'forbidden') && (!this.#served || this.#failures >= failuresToMissing);
  }

  async #doWithout(error: KubeError, onMissing: (error: KubeError) => void, signal: AbortSignal): Promise<void> {
    const { clock, items } = this.#options;
    const isNew = this.#served || this.failure?.code !== error.code;
    this.failure = error;
    this.#failures = 0;
    this.#served = false;
    this.#asking = false;
    this.position = undefined;
    this.lifeAtMs = clock.monotonic();
    items.replace(this.#scope, []);
    if (isNew) onMissing(error);
    this.#settle();
    await clock.sleep(missingPauseMs * (0.75 + Math.random() / 4), signal).catch(() => undefined);
  }
}

function pauseMs(error: KubeError, failures: number): number {
  const slow = isKubeError(error, 'forbidden', 'unauthorized', 'not-found', 'invalid');
  const ownMs = slow ? slowPauseMs * (0.5 + Math.random() / 2) : backoffMs(failures, firstPauseMs, longestPauseMs);
  return Math.max(ownMs, error.retryAfterMs ?? 0);
}

function toKubeError(error: unknown, kind: Kind): KubeError {
  if (isKubeError(error)) return error;
  return new KubeError('bad-answer', `The watch of ${kind.plural} failed: ${String(error)}`, { cause: error });
}
