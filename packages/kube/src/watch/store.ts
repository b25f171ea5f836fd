import type { CallOptions } from '../client/caller.ts';
import type { KubeError } from '../errors.ts';

/** A change of a {@link Store}. `updated` and `deleted` carry what the store had before. */
export type StoreEvent<U> =
  | { readonly type: 'added'; readonly object: U }
  | { readonly type: 'updated'; readonly object: U; readonly previous: U }
  | { readonly type: 'deleted'; readonly object: U };

export type StoreListener<U> = (event: StoreEvent<U>) => void;

/** Why one of the store's watches does not work now. */
export interface WatchFailure {
  /** Undefined when the watch is for all namespaces. */
  readonly namespace: string | undefined;
  readonly error: KubeError;
}

/**
 * Trimmed copies of the cluster's objects, kept true by watches. What it holds may be old: `ageMs()` and `silent` say
 * so, and where a wrong answer matters a live read comes first.
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
  /** Keeps objects findable by keys that are computed from them. Also for what is there already. */
  addIndex(name: string, keysOf: (object: U) => readonly string[]): void;
  byIndex(name: string, key: string): U[];
  /** Tells of every change from now on, after the store has it. What a listener throws is logged. */
  subscribe(listener: StoreListener<U>): () => void;
  /**
   * Lists the objects with these labels live. What is new among them the store has at once, and tells its listeners.
   *
   * @throws KubeError
   */
  readLive(namespace: string | undefined, labelSelector: string, options: CallOptions): Promise<U[]>;
  /** Milliseconds since the last sign of life (list, event, bookmark) of the watch that is silent the longest; Infinity before the first list. */
  ageMs(): number;
  /** Whether `ageMs()` is beyond the bookmark limit: what the store says is then unknown. */
  readonly silent: boolean;
  /** The oldest position of its watches; undefined before the first list. */
  readonly lastResourceVersion: string | undefined;
  /** What does not work at the moment; empty when all is well. */
  readonly failures: readonly WatchFailure[];
  /** How often it had to list again. */
  readonly relists: number;
}
