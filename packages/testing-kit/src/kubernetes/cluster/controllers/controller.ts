import type { Clock } from '@scaler/scaler-types';
import { TestingKitError } from '../../../errors.ts';
import type { KubeObject } from '../objects.ts';

/** A work queue: each key is reconciled once, however often it was asked for meanwhile. */
export interface Controller {
  readonly name: string;
  /** How long after a change it acts, in milliseconds; may be changed at any time. */
  lagMs: number;
  /** Asks for a reconciliation of `namespace/name`, `afterMs` from now where given. */
  enqueue(key: string, afterMs?: number): void;
  close(): void;
}

export interface ControllerOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly lagMs: number;
  /** Brings one object closer to its desired state; reads everything from the store, so it may run at any time. */
  readonly reconcile: (namespace: string, name: string) => void;
  /** Called after each failed reconciliation, which is tried again. */
  readonly onError: (error: Error) => void;
}

/** A failed reconciliation is tried again after this, doubled with each further failure, up to a second. */
const retryMs = 20;

export function createController({ name, clock, lagMs, reconcile, onError }: ControllerOptions): Controller {
  const waiting = new Map<string, () => void>();
  const later = new Set<() => void>();
  const failures = new Map<string, number>();

  const run = (key: string): void => {
    waiting.delete(key);
    const slash = key.indexOf('/');
    try {
      reconcile(key.slice(0, slash), key.slice(slash + 1));
      failures.delete(key);
    } catch (error) {
      onError(new TestingKitError('cluster-broken', `${name} controller failed on ${key}`, { cause: error }));
      const failed = failures.get(key) ?? 0;
      failures.set(key, failed + 1);
      controller.enqueue(key, Math.min(1_000, retryMs * 2 ** failed));
    }
  };

  const schedule = (key: string): void => {
    if (waiting.has(key)) return;
    if (controller.lagMs > 0) {
      waiting.set(
        key,
        clock.after(controller.lagMs, () => run(key)),
      );
    } else {
      // Never within the write that caused it: its answer goes out first, as over a network.
      const turn = setImmediate(run, key);
      waiting.set(key, () => clearImmediate(turn));
    }
  };

  const controller: Controller = {
    name,
    lagMs,
    enqueue(key, afterMs = 0) {
      if (afterMs <= 0) return schedule(key);
      const cancel = clock.after(afterMs, () => {
        later.delete(cancel);
        schedule(key);
      });
      later.add(cancel);
    },
    close() {
      for (const cancel of [...waiting.values(), ...later]) cancel();
      waiting.clear();
      later.clear();
      controller.enqueue = () => undefined;
    },
  };
  return controller;
}

/** The key under which an object is queued. */
export function keyOf({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name ?? ''}`;
}
