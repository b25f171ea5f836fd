import { TestingKitError } from '../../../errors.ts';
import { kubeTime, sameJson, withCondition } from '../conditions.ts';
import { type ContainerContext, type ContainerWorker, createContainerWorker } from './container-worker.ts';
import type { Condition, Pod, PodStatus } from '../objects.ts';
import { conditionOf } from '../pod-state.ts';
import { type ClusterStore, pods } from '../store.ts';

export interface PodContext extends ContainerContext {
  readonly store: ClusterStore;
  readonly takePodIP: () => string;
  readonly releasePodIP: (ip: string) => void;
  /** Between a pod's arrival at the node and the start of its containers, in milliseconds. */
  readonly startDelayMs: () => number;
  readonly onError: (error: Error) => void;
}

/** One pod on the simulated node. */
export interface PodWorker {
  readonly containers: readonly ContainerWorker[];
  /** Lives the pod to its end; resolves when nothing of it runs any more. Never rejects but for a bug. */
  run(): Promise<void>;
  /** Writes its status anew, after another writer changed one of its conditions. */
  refresh(): void;
  /** Ends it gracefully, then removes the object. */
  terminate(graceMs: number): void;
  /** The object is gone already: ends it at once. */
  kill(): void;
}

type NodeCondition = Omit<Condition, 'lastTransitionTime'>;

export function createPodWorker(pod: Pod, context: PodContext): PodWorker {
  const { store, clock } = context;
  const { namespace = '', name = '', uid } = pod.metadata;
  const ending = new AbortController();
  const startTime = kubeTime(clock.now());
  let podIP: string | undefined;
  let containers: readonly ContainerWorker[] = [];
  let graceMs = 30_000;
  let removed = false;
  let over = false;

  const phase = (): NonNullable<PodStatus['phase']> => {
    const states = containers.map((container) => container.status());
    if (over) return states.every(({ state }) => (state.terminated?.exitCode ?? 0) === 0) ? 'Succeeded' : 'Failed';
    const begun = states.length > 0 && states.every(({ state, restartCount }) => !state.waiting || restartCount > 0);
    return begun ? 'Running' : 'Pending';
  };

  const conditions = (current: Pod): Condition[] => {
    const statuses = containers.map((container) => container.status());
    const ready = statuses.length > 0 && statuses.every((status) => status.ready);
    const gates = current.spec.readinessGates ?? [];
    const open = gates.every(({ conditionType }) => conditionOf(current, conditionType)?.status === 'True');
    const why = statuses.length > 0 && !ready ? { reason: 'ContainersNotReady' } : {};
    const set: NodeCondition[] = [
      { type: 'PodReadyToStartContainers', status: podIP === undefined || over ? 'False' : 'True' },
      { type: 'Initialized', status: 'True' },
      { type: 'ContainersReady', status: ready ? 'True' : 'False', ...why },
      {
        type: 'Ready',
        status: ready && open ? 'True' : 'False',
        ...(ready && !open ? { reason: 'ReadinessGatesNotReady' } : why),
      },
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
    const current = store.get<Pod>(pods, namespace, name);
    if (removed || current?.metadata.uid !== uid) return;
    const waiting = current?.spec.containers.map(({ name: containerName, image }) => ({
      name: containerName,
      image,
      imageID: '',
      ready: false,
      started: false,
      restartCount: 0,
      state: { waiting: { reason: 'ContainerCreating' } },
      lastState: {},
    }));
    const status: PodStatus = {
      ...current?.status,
      phase: phase(),
      startTime,
      hostIP: '127.0.0.1',
      ...(podIP !== undefined && { podIP, podIPs: [{ ip: podIP }] }),
      conditions: conditions(current as Pod),
      containerStatuses: containers.length > 0 ? containers.map((container) => container.status()) : (waiting ?? []),
    };
    if (!sameJson(status, current?.status)) store.updateStatus(pods, { ...(current as Pod), status });
  };

  const live = async (): Promise<void> => {
    publish();
    const delayMs = context.startDelayMs();
    if (delayMs > 0) await clock.sleep(delayMs, ending.signal);
    ending.signal.throwIfAborted();
    const ip = context.takePodIP();
    podIP = ip;
    containers = pod.spec.containers.map((spec) => createContainerWorker(spec, pod, ip, context, publish));
    publish();
    await Promise.all(containers.map((container) => container.run(ending.signal)));
  };

  const waitForEnd = (): Promise<void> =>
    new Promise((resolve) => {
      if (ending.signal.aborted) resolve();
      else ending.signal.addEventListener('abort', () => resolve(), { once: true });
    });

  const run = async (): Promise<void> => {
    const living = live().catch((error: unknown) => {
      if (!ending.signal.aborted) throw error;
    });
    await Promise.race([living, waitForEnd()]);
    if (!ending.signal.aborted) {
      // All containers ended for good.
      over = true;
      publish();
      await waitForEnd();
    }
    if (removed) for (const container of containers) container.kill('SIGKILL');
    else await Promise.all(containers.map((container) => container.terminate(graceMs)));
    await living;
    over = true;
    publish();
    if (podIP !== undefined) context.releasePodIP(podIP);
    if (removed || store.get<Pod>(pods, namespace, name)?.metadata.uid !== uid) return;
    store.delete(pods, namespace, name, { gracePeriodSeconds: 0 });
  };

  return {
    get containers() {
      return containers;
    },
    run,
    refresh: publish,
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
