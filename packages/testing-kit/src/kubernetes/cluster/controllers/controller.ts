import type { CancelTimer, Clock } from '@scaler/scaler-types';
import { TestingKitError } from '../../../errors.ts';
import type { AnyObject } from '../../api/object.ts';
import type { Store } from '../../api/store/store.ts';
import { controllerOf } from '../object-state.ts';

/** A work queue: each key is reconciled once, however often it was asked for meanwhile. */
export interface Controller {
  /** How long after a change it acts, in milliseconds; may be changed at any time. */
  lagMs: number;
  close(): void;
}

/** Asks for a reconciliation of `namespace/name`, `afterMs` from now where given. */
export type Enqueue = (key: string, afterMs?: number) => void;

/** The work of a controller. */
export interface Control {
  /** Brings one object closer to its desired state; reads everything from the store, so it may run at any time. */
  reconcile(namespace: string, name: string): void;
  /** Enqueues what changes from now on, until the returned functions are called. */
  watch(): (() => void)[];
}

/** Makes the work of a controller on a cluster. */
export type MakeControl = (context: { store: Store; clock: Clock; enqueue: Enqueue }) => Control;

export interface ControllerContext {
  readonly store: Store;
  readonly clock: Clock;
  /** Called after each failed reconciliation, which is tried again. */
  readonly onError: (error: Error) => void;
}

/** A failed reconciliation is tried again after this, doubled with each further failure, up to a second. */
const retryMs = 20;

export function startController(
  name: string,
  make: MakeControl,
  { store, clock, onError }: ControllerContext,
  lagMs: number,
): Controller {
  const waiting = new Map<string, CancelTimer>();
  const later = new Set<CancelTimer>();
  const failures = new Map<string, number>();
  const controller = { lagMs, close };

  const run = (key: string): void => {
    waiting.delete(key);
    const slash = key.indexOf('/');
    try {
      control.reconcile(key.slice(0, slash), key.slice(slash + 1));
      failures.delete(key);
    } catch (error) {
      onError(new TestingKitError('cluster-broken', `${name} controller failed on ${key}`, { cause: error }));
      const failed = failures.get(key) ?? 0;
      failures.set(key, failed + 1);
      enqueue(key, Math.min(1_000, retryMs * 2 ** failed));
    }
  };

  const schedule = (key: string): void => {
    if (!waiting.has(key))
      waiting.set(
        key,
        afterLag(clock, controller.lagMs, () => run(key)),
      );
  };

  const enqueue: Enqueue = (key, afterMs = 0) => {
    if (afterMs <= 0) return schedule(key);
    const cancel = clock.after(afterMs, () => {
      later.delete(cancel);
      schedule(key);
    });
    later.add(cancel);
  };

  const control = make({ store, clock, enqueue });
  const unwatch = control.watch();
  function close(): void {
    for (const end of [...unwatch, ...waiting.values(), ...later]) end();
  }
  return controller;
}

/** Calls `work` after the lag; without one in the next turn, so never within the write that caused it, as over a network. */
export function afterLag(clock: Clock, lagMs: number, work: () => void): CancelTimer {
  if (lagMs > 0) return clock.after(lagMs, work);
  const turn = setImmediate(work);
  return () => clearImmediate(turn);
}

/** The key under which an object is queued. */
export function keyOf({ metadata }: AnyObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}

/** Asks for the object that controls `object`, if it is of that kind. */
export function enqueueOwner(enqueue: Enqueue, object: AnyObject, kind: string): void {
  const owner = controllerOf(object);
  if (owner?.kind === kind) enqueue(`${object.metadata.namespace ?? ''}/${owner.name}`);
}

/** The objects of a kind that `owner` controls. */
export function ownedBy<T extends AnyObject>(store: Store, gvr: string, { metadata }: AnyObject): T[] {
  const { items } = store.list<T>(gvr, { namespace: metadata.namespace });
  return items.filter((object) => controllerOf(object)?.uid === metadata.uid);
}
