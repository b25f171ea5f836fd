import { TestingKitError } from '../../../errors.ts';
import { toTimestamp } from '../../api/object.ts';
import type { Store } from '../../api/store/store.ts';
import { type ContainerContext, type ContainerWorker, createContainerWorker } from './container-worker.ts';
import type { Loopback } from '../loopback.ts';
import { sameJson, withCondition } from '../object-state.ts';
import { type Condition, type Pod, pods, type PodStatus } from '../objects.ts';

export interface PodContext extends ContainerContext {
  readonly store: Store;
  readonly loopback: Loopback;
  /** Between a pod's arrival at the node and the start of its containers, in milliseconds. */
  readonly startDelayMs: () => number;
  readonly onError: (error: Error) => void;
}

/** One pod on the simulated node. */
export interface PodWorker {
  readonly containers: readonly ContainerWorker[];
  /** Lives the pod to its end; resolves when nothing of it runs any more. Never rejects but for a bug. */
  run(): Promise<void>;
  /** Ends it gracefully, then removes the object. */
  terminate(graceMs: number): void;
  /** The object is gone already: ends it at once. */
  kill(): void;
}

type NodeCondition = Omit<Condition, 'lastTransitionTime'>;

export function createPodWorker(pod: Pod, context: PodContext): PodWorker {
  const { store, clock, loopback } = context;
  const { namespace = '', name, uid } = pod.metadata;
  const ending = new AbortController();
  const startTime = toTimestamp(clock.now());
  let podIP: string | undefined;
  const containers = pod.spec.containers.map((spec) => createContainerWorker(spec, pod, context, () => publish()));
  let graceMs = 30_000;
  let removed = false;
  let over = false;

  const phase = (): NonNullable<PodStatus['phase']> => {
    const states = containers.map((container) => container.status());
    if (over) return states.every(({ state }) => (state.terminated?.exitCode ?? 0) === 0) ? 'Succeeded' : 'Failed';
    const begun = states.every(({ state, restartCount }) => !state.waiting || restartCount > 0);
    return begun ? 'Running' : 'Pending';
  };

  const conditions = (current: Pod): Condition[] => {
    const statuses = containers.map((container) => container.status());
    const ready = statuses.every((status) => status.ready);
    const why = podIP !== undefined && !ready ? { reason: 'ContainersNotReady' } : {};
    const set: NodeCondition[] = [
      { type: 'PodReadyToStartContainers', status: podIP === undefined || over ? 'False' : 'True' },
      { type: 'Initialized', status: 'True' },
      { type: 'ContainersReady', status: ready ? 'True' : 'False', ...why },
      { type: 'Ready', status: ready ? 'True' : 'False', ...why },
    ];
    return set.reduce((all, next) => withCondition(all, next, clock.now()), [...(current.status?.conditions ?? [])]);
  };

  const publish = (): void => {
    try {
      write();
    } catch (error) {
      context.onError(
        new TestingKitError('cluster-broken', `cannot write the status of pod ${namespace}/${name}`, { cause: error }),
      );
    }
  };

  const write = (): void => {
    const current = store.find<Pod>(pods, namespace, name);
    if (removed || current?.metadata.uid !== uid) return;
    const status: PodStatus = {
      ...current.status,
      phase: phase(),
      startTime,
      hostIP: '127.0.0.1',
      ...(podIP !== undefined && { podIP, podIPs: [{ ip: podIP }] }),
      conditions: conditions(current),
      containerStatuses: containers.map((container) => container.status()),
    };
    if (!sameJson(status, current.status)) store.update(pods, { ...current, status }, { subresource: 'status' });
  };

  const live = async (): Promise<void> => {
    publish();
    const delayMs = context.startDelayMs();
    if (delayMs > 0) await clock.sleep(delayMs, ending.signal);
    ending.signal.throwIfAborted();
    const ip = loopback.takePodIP();
    podIP = ip;
    publish();
    await Promise.all(containers.map((container) => container.run(ip, ending.signal)));
  };

  const ended = new Promise<void>((resolve) => {
    ending.signal.addEventListener('abort', () => resolve(), { once: true });
  });

  const run = async (): Promise<void> => {
    const living = live().catch((error: unknown) => {
      if (!ending.signal.aborted) throw error;
    });
    await Promise.race([living, ended]);
    if (removed) for (const container of containers) container.kill('SIGKILL');
    else await Promise.all(containers.map((container) => container.terminate(graceMs)));
    await living;
    over = true;
    publish();
    if (podIP !== undefined) loopback.releasePodIP(podIP);
    if (removed || store.find(pods, namespace, name)?.metadata.uid !== uid) return;
    store.delete(pods, namespace, name, { gracePeriodSeconds: 0 });
  };

  return {
    containers,
    run,
    terminate(withinMs) {
      if (ending.signal.aborted) return;
      graceMs = withinMs;
      ending.abort(new Error('the pod is deleted'));
    },
    kill() {
      removed = true;
      ending.abort(new Error('the pod is gone'));
      for (const container of containers) container.kill('SIGKILL');
    },
  };
}
