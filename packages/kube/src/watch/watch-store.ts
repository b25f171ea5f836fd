import type { Clock, Logger } from '@scaler/scaler-types';
import { unlessAborted } from '@scaler/async';
import type { CallOptions } from '../client/caller.ts';
import type { KubeClient } from '../client/client.ts';
import type { Kind } from '../objects/kinds.ts';
import type { KubeObject } from '../objects/wire.ts';
import type { KubeError } from '../errors.ts';
import { Items } from './items.ts';
import { Reflector } from './reflector.ts';
import { isOlder } from './resource-version.ts';

export interface WatchStoreOptions<T extends KubeObject, U> {
  readonly client: KubeClient;
  readonly kind: Kind<T>;
  /** One watch for each; left out: one for all namespaces. */
  readonly namespaces?: readonly string[] | undefined;
  readonly labelSelector?: string | undefined;
  /**
   * Whether the kind may be missing, or closed to this process. Then the store has no objects, logs that once, lists it in
   * `failures`, and tries again every two minutes; `whenSynced` waits for no more than one failure. Default false.
   */
  readonly optional?: boolean | undefined;
  /** Returns what is kept of an object. An object for which it throws is logged and left out. */
  readonly trim: (object: T) => U;
  readonly clock: Clock;
  readonly logger: Logger;
  /**
   * A watch without an event, bookmark or list for so long is dead; default 90 s. The API sends a bookmark each minute, but none
   * of a kind on which nothing happens: before the limit it is asked whether anything was missed.
   */
  readonly bookmarkLimitMs?: number | undefined;
}

/** The failure of one of the store's watches. */
export interface WatchFailure {
  /** Undefined when the watch is for all namespaces. */
  readonly namespace: string | undefined;
  readonly error: KubeError;
}

const defaultBookmarkLimitMs = 90_000;

/**
 * Trimmed copies of the cluster's objects, kept up to date by watches. They may be old: `ageMs()` and `silent` show that.
 * Where a wrong answer matters, read live first.
 */
export type Store<U> = Omit<WatchedStore<KubeObject, U>, 'put' | 'remove' | 'replace'>;

/** A {@link Store} of one kind. Nothing happens before `run`. */
export function watchStore<T extends KubeObject, U>(options: WatchStoreOptions<T, U>): Store<U> {
  return new WatchedStore(options);
}

class WatchedStore<T extends KubeObject, U> extends Items<U> {
  readonly #reflectors: readonly { readonly namespace: string | undefined; readonly reflector: Reflector<T, U> }[];
  readonly #allSynced = Promise.withResolvers<void>();
  readonly #clock: Clock;
  readonly #limitMs: number;

  constructor(options: WatchStoreOptions<T, U>) {
    const { client, clock, logger, kind, trim, labelSelector, optional = false } = options;
    const { bookmarkLimitMs = defaultBookmarkLimitMs } = options;
    super(logger);
    const onSynced = (): void => {
      if (this.synced) this.#allSynced.resolve();
    };
    this.#clock = clock;
    this.#limitMs = bookmarkLimitMs;
    this.#reflectors = [...new Set(options.namespaces ?? [undefined])].map((namespace) => {
      const selection = { namespace, labelSelector };
      return {
        namespace,
        reflector: new Reflector({
          ...{ client, clock, logger, kind, selection, bookmarkLimitMs, trim, items: this, onSynced },
          onMissing: optional ? (error) => this.#tellMissing(options, error) : undefined,
        }),
      };
    });
  }

  // With a watch for each of many namespaces, the first that misses the kind logs it for all.
  #tellMissing({ logger, kind }: WatchStoreOptions<T, U>, error: KubeError): void {
    if (this.failures.filter(({ error: { code } }) => code === error.code).length > 1) return;
    const fields = { kind: kind.kind, group: kind.group, code: error.code };
    if (error.code === 'not-found') logger.debug('Kind is not installed, so there are no objects of it', fields);
    else logger.warn('Kind must not be read, as if there were no objects of it', { ...fields, err: error });
  }

  /** Lists and watches until `signal` aborts. Retries everything; never rejects because of the API. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#reflectors.map(({ reflector }) => reflector.run(signal)));
  }

  /** Whether every watch has had its first list. */
  get synced(): boolean {
    return this.#reflectors.every(({ reflector }) => reflector.synced);
  }

  /** @throws the signal's reason when it aborts first. */
  async whenSynced(signal?: AbortSignal): Promise<void> {
    if (this.synced) return;
    await (signal === undefined ? this.#allSynced.promise : unlessAborted(this.#allSynced.promise, signal));
  }

  /**
   * Lists the objects with these labels live. The store takes newer objects among them at once, and calls its listeners.
   *
   * @throws KubeError
   */
  async readLive(namespace: string | undefined, labelSelector: string, options: CallOptions): Promise<U[]> {
    const of = this.#reflectors.find((one) => one.namespace === undefined || one.namespace === namespace);
    if (of === undefined) throw new RangeError(`The store does not follow namespace "${namespace}"`);
    return of.reflector.readLive(namespace, labelSelector, options);
  }

  /** Milliseconds since the last list, event or bookmark of the watch that is silent the longest; Infinity before the first list. */
  ageMs(): number {
    // Called for each request, so it allocates nothing.
    let oldestMs = Infinity;
    for (const { reflector } of this.#reflectors) oldestMs = Math.min(oldestMs, reflector.lifeAtMs ?? -Infinity);
    return Math.max(0, this.#clock.monotonic() - oldestMs);
  }

  /** Whether `ageMs()` is beyond the bookmark limit: the state of the cluster is then unknown. */
  get silent(): boolean {
    return this.ageMs() > this.#limitMs;
  }

  /** The oldest position of its watches; undefined before the first list. */
  get lastResourceVersion(): string | undefined {
    return this.#reflectors
      .map(({ reflector }) => reflector.position)
      .reduce((a, b) => (a === undefined || b === undefined ? undefined : isOlder(b, a) ? b : a));
  }

  /** The failures of the watches now; empty when all work. */
  get failures(): readonly WatchFailure[] {
    return this.#reflectors.flatMap(({ namespace, reflector: { failure: error } }) =>
      error === undefined ? [] : [{ namespace, error }],
    );
  }

  /** How often the store had to list again. */
  get relists(): number {
    return this.#reflectors.reduce((sum, { reflector }) => sum + Math.max(0, reflector.lists - 1), 0);
  }
}
