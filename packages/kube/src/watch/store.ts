import type { CallOptions } from '../client/caller.ts';
import type { KubeError } from '../errors.ts';

/** A change of a {@link Store}. `updated` and `deleted` carry what the store had before. */
export type StoreEvent<U> =
  | { readonly type: 'added'; readonly object: U }
  | { readonly type: 'updated'; readonly object: U; readonly previous: U }
  | { readonly type: 'deleted'; readonly object: U };

export type StoreListener<U> = (event: StoreEvent<U>) => void;

/** The failure of one of the store's watches. */
export interface WatchFailure {
  /** Undefined when the watch is for all namespaces. */
  readonly namespace: string | undefined;
  readonly error: KubeError;
}

/**
 * Trimmed copies of the cluster's objects, kept up to date by watches. They may be old: `ageMs()` and `silent` show that.
 * Where a wrong answer matters, read live first.
 */
export interface Store<U> {
  /** Lists and watches until `signal` aborts. Retries everything; never rejects because of the API. */
  run(signal: AbortSignal): Promise<void>;
  /** Whether every watch has had its first list. */
  readonly synced: boolean;
  /** @throws the signal's reason when it aborts first. */
  whenSynced(signal?: AbortSignal): Promise<void>;
  /** `namespace` is undefined for kinds that have none. */
  get(namespace: string | undefined, name: string): U | undefined;
  list(): U[];
  readonly size: number;
  /** Adds an index by keys that are computed from the objects, those already there included. */
  addIndex(name: string, keysOf: (object: U) => readonly string[]): void;
  byIndex(name: string, key: string): U[];
  /** Calls the listener for every change from now on, after the store has it. An error that it throws is logged. */
  subscribe(listener: StoreListener<U>): () => void;
  /**
   * Lists the objects with these labels live. The store takes newer objects among them at once, and calls its listeners.
   *
   * @throws KubeError
   */
  readLive(namespace: string | undefined, labelSelector: string, options: CallOptions): Promise<U[]>;
  /** Milliseconds since the last list, event or bookmark of the watch that is silent the longest; Infinity before the first list. */
  ageMs(): number;
  /** Whether `ageMs()` is beyond the bookmark limit: the state of the cluster is then unknown. */
  readonly silent: boolean;
  /** The oldest position of its watches; undefined before the first list. */
  readonly lastResourceVersion: string | undefined;
  /** The failures of the watches now; empty when all work. */
  readonly failures: readonly WatchFailure[];
  /** How often the store had to list again. */
  readonly relists: number;
}
