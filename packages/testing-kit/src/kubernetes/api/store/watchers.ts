import { type Kind } from '../kinds.ts';
import { type KubeObject } from '../object.ts';
import { type Selector } from '../selectors.ts';
import { type Change, lastState } from './history.ts';
import { type WatchEvent, type WatchListener } from './types.ts';

type Watcher = { readonly selects: Selector; readonly listener: WatchListener; seen: number };

function view({ resourceVersion, object, previous, removed }: Change, selects: Selector): WatchEvent | undefined {
  const is = !removed && selects(object);
  const was = previous !== undefined && selects(previous);
  if (is) return { type: was ? 'MODIFIED' : 'ADDED', object, resourceVersion };
  if (!was) return undefined;
  return { type: 'DELETED', object: removed ? object : lastState(previous, resourceVersion), resourceVersion };
}

/** Sends every change to every watcher, in order, also when a listener writes during its call. */
export class Watchers {
  readonly #byKind = new Map<Kind, Set<Watcher>>();
  readonly #queue: Change[] = [];
  #sending = false;

  /** Ends with the function it returns. `past` are the changes since the version it starts from. */
  add(
    kind: Kind,
    selects: Selector,
    listener: WatchListener,
    start: { initial: readonly KubeObject[]; past: readonly Change[]; at: number },
  ): () => void {
    const watcher: Watcher = { selects, listener, seen: start.at };
    const all = this.#byKind.get(kind) ?? new Set();
    this.#byKind.set(kind, all);
    for (const object of start.initial) {
      if (selects(object))
        listener({ type: 'ADDED', object, resourceVersion: Number(object.metadata.resourceVersion) });
    }
    for (const change of start.past) if (change.kind === kind) send(watcher, change);
    all.add(watcher);
    return () => all.delete(watcher);
  }

  send(change: Change): void {
    this.#queue.push(change);
    if (this.#sending) return;
    this.#sending = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) this.#tellAll(next);
    } finally {
      this.#sending = false;
    }
  }

  #tellAll(change: Change): void {
    for (const watcher of [...(this.#byKind.get(change.kind) ?? [])]) {
      if (this.#byKind.get(change.kind)?.has(watcher) === true) send(watcher, change);
    }
  }
}

function send(watcher: Watcher, change: Change): void {
  // A watch that began while earlier changes were still queued has seen them in its start.
  if (change.resourceVersion <= watcher.seen) return;
  watcher.seen = change.resourceVersion;
  const event = view(change, watcher.selects);
  if (event === undefined) return;
  try {
    watcher.listener(event);
  } catch (error) {
    // The write has happened and other watchers wait for it; the fault is the listener's and must not be silent.
    queueMicrotask(() => {
      throw error;
    });
  }
}
