import type { EmbeddedCluster } from '@scaler/testing-kit/kubernetes';
import {
  type ConfirmAnswer,
  type Resource,
  resourceKey,
  type ResourceRef,
  type ResourceScaler,
  type ScaleOptions,
  type ScaleResult,
} from '@scaler/scaler-types';
import type { StandInDlx } from './stand-in-dlx.ts';

/** What the scaler is to ask. Default: the stand-in DLX, for the fence. */
interface Questions {
  readonly confirm?: () => Promise<ConfirmAnswer> | ConfirmAnswer;
  readonly preflight?: ScaleOptions['preflight'];
}

/** One autoscaler. */
export interface Leader {
  readonly name: string;
  readonly scaler: ResourceScaler;
  readonly resources: Map<string, Resource>;
  /** Resolves when it is told of something. */
  changed(): Promise<void>;
  park(ref: ResourceRef, questions?: Questions): Promise<ScaleResult>;
  /** Parks it. @throws the error of the result. */
  putToSleep(ref: ResourceRef): Promise<void>;
  /** Ends it, as SIGKILL would: nothing of it reaches the API any more. */
  kill(): void;
  close(): Promise<void>;
}

export function startLeader(name: string, cluster: EmbeddedCluster, dlx: StandInDlx, scaler: ResourceScaler): Leader {
  const stop = new AbortController();
  const resources = new Map<string, Resource>();
  let change = Promise.withResolvers<void>();
  const work = reconciling(scaler, stop.signal);
  const watching = scaler.watchResources?.((told) => {
    if (told.type === 'set') {
      resources.set(resourceKey(told.resource), told.resource);
      void work(told.resource);
    }
    if (told.type === 'removed') resources.delete(resourceKey(told.resource));
    change.resolve();
    change = Promise.withResolvers();
  }, stop.signal);
  const clear = (): ConfirmAnswer => (dlx.isClear() ? { ok: true } : { ok: false, reason: 'the DLX holds a request' });
  const leader: Leader = {
    name,
    scaler,
    resources,
    changed: () => change.promise,
    park: async (ref, { confirm = clear, preflight } = {}) => {
      const reason = { by: name, text: 'it is idle' };
      const options = { signal: stop.signal, reason, confirm: async () => confirm(), ...(preflight && { preflight }) };
      for (;;) {
        const [result] = (await scaler.setScale([ref], 0, options)) as [ScaleResult];
        // Its controller notes revision and counts of a new Deployment after everything else, in its own time.
        if (result.ok || !/has not been seen|a rollout of it/.test(result.error.message)) return result;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    putToSleep: async (ref) => {
      const result = await leader.park(ref);
      if (!result.ok) throw result.error;
    },
    kill: () => {
      cluster.api.faults.add({ userAgent: name, action: { type: 'dropBefore' } });
      stop.abort(new Error('killed'));
    },
    close: async () => {
      stop.abort(new Error('The rig is closed'));
      await watching;
      await scaler.close?.();
    },
  };
  return leader;
}

/** Reconciles a resource, and again after the time that the result asks for, as the autoscaler does it. */
function reconciling(scaler: ResourceScaler, signal: AbortSignal): (ref: ResourceRef) => Promise<void> {
  const running = new Set<string>();
  const again = new Set<string>();
  const later = new Map<string, NodeJS.Timeout>();
  signal.addEventListener('abort', () => later.forEach((timer) => clearTimeout(timer)));
  const work = async (ref: ResourceRef): Promise<void> => {
    const key = resourceKey(ref);
    if (signal.aborted) return;
    if (running.has(key)) {
      again.add(key);
      return;
    }
    running.add(key);
    const [result] = (await scaler.reconcile?.([ref], { signal }).catch(() => undefined)) ?? [];
    running.delete(key);
    clearTimeout(later.get(key));
    const againMs = result?.ok === true ? result.againMs : undefined;
    if (againMs !== undefined)
      later.set(
        key,
        setTimeout(() => void work(ref), Math.max(againMs, 50)),
      );
    if (again.delete(key)) await work(ref);
  };
  return work;
}
