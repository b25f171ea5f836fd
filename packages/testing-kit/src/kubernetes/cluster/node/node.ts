import type { CancelTimer } from '@scaler/scaler-types';
import { TestingKitError } from '../../../errors.ts';
import type { AnyObject, NewObject } from '../../api/object.ts';
import type { WatchEvent } from '../../api/store/types.ts';
import { afterLag } from '../controllers/controller.ts';
import { isFinished, sameJson, withCondition } from '../object-state.ts';
import { nodes, type Pod, pods } from '../objects.ts';
import { createPodWorker, type PodContext, type PodWorker } from './pod-worker.ts';
import { createReaper } from './reaper.ts';

/** The one machine of the cluster: scheduler and kubelet in one. */
export interface SimulatedNode {
  readonly name: string;
  /** How long after a pod appears or is deleted the node acts, in milliseconds; may be changed at any time. */
  lagMs: number;
  /** Between a pod's arrival and the start of its containers, in milliseconds; may be changed at any time. */
  startDelayMs: number;
  /** From now on new pods are unschedulable. */
  cordon(): void;
  /** Takes pods again, those that wait first. */
  uncordon(): void;
  /** The running containers, by pod and container; `pid` is undefined for an in-process server. */
  processes(): RunningProcess[];
  /** Ends a pod's containers as a crash would, or an outer signal; without effect where none runs. */
  kill(namespace: string, pod: string, signal?: 'SIGTERM' | 'SIGKILL'): void;
  close(): Promise<void>;
}

export interface RunningProcess {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly pid: number | undefined;
}

export interface NodeOptions extends Omit<PodContext, 'reaper' | 'startDelayMs'> {
  readonly lagMs: number;
  readonly startDelayMs: number;
}

const nodeName = 'embedded';

interface Resident {
  readonly namespace: string;
  readonly name: string;
  readonly worker: PodWorker;
  readonly done: Promise<void>;
}

export function createNode(options: NodeOptions): SimulatedNode {
  const { store, clock, onError } = options;
  const residents = new Map<string, Resident>();
  const timers = new Set<CancelTimer>();
  const reaper = createReaper();
  let cordoned = false;
  let closed = false;

  const context = { ...options, reaper, startDelayMs: () => node.startDelayMs };

  const schedule = (pod: Pod): void => {
    const message = '0/1 nodes are available: 1 node(s) were unschedulable.';
    const scheduled = { type: 'PodScheduled', status: 'True' } as const;
    const unscheduled = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message } as const;
    const bound = cordoned ? pod : store.update<Pod>(pods, { ...pod, spec: { ...pod.spec, nodeName } });
    const conditions = withCondition(bound.status?.conditions, cordoned ? unscheduled : scheduled, clock.now());
    if (sameJson(conditions, bound.status?.conditions)) return;
    store.update(pods, { ...bound, status: { ...bound.status, conditions } }, { subresource: 'status' });
  };

  const admit = (pod: Pod): void => {
    const { uid, namespace = '', name } = pod.metadata;
    const worker = createPodWorker(pod, context);
    const done = worker
      .run()
      .catch((error: unknown) =>
        onError(
          new TestingKitError('cluster-broken', `pod ${namespace}/${name} failed in its worker`, { cause: error }),
        ),
      )
      .finally(() => residents.delete(uid));
    residents.set(uid, { namespace, name, worker, done });
  };

  const remove = (pod: Pod): void => {
    const { namespace = '', name, uid, deletionGracePeriodSeconds = 30 } = pod.metadata;
    const resident = residents.get(uid);
    if (resident) resident.worker.terminate(deletionGracePeriodSeconds * 1_000);
    else store.delete(pods, namespace, name, { gracePeriodSeconds: 0 });
  };

  /** Acts on the current state of the pod. */
  const sync = ({ metadata: { namespace = '', name, uid } }: AnyObject): void => {
    const pod = store.find<Pod>(pods, namespace, name);
    if (pod?.metadata.uid !== uid || closed) return;
    const resident = residents.get(uid);
    if (pod.metadata.deletionTimestamp !== undefined) remove(pod);
    else if (pod.spec.nodeName === undefined) schedule(pod);
    else if (pod.spec.nodeName === nodeName && !resident && !isFinished(pod)) admit(pod);
  };

  const later = (work: () => void): void => {
    const cancel = afterLag(clock, node.lagMs, () => {
      timers.delete(cancel);
      try {
        work();
      } catch (error) {
        onError(new TestingKitError('cluster-broken', 'the node failed on a pod', { cause: error }));
      }
    });
    timers.add(cancel);
  };

  const onPod = ({ type, object: pod }: WatchEvent<Pod>): void => {
    const resident = residents.get(pod.metadata.uid);
    if (type === 'DELETED') resident?.worker.kill();
    else if (pod.metadata.deletionTimestamp !== undefined || !resident) later(() => sync(pod));
  };

  const node: SimulatedNode = {
    name: nodeName,
    lagMs: options.lagMs,
    startDelayMs: options.startDelayMs,
    cordon: () => void (cordoned = true),
    uncordon() {
      cordoned = false;
      for (const pod of store.list<Pod>(pods).items) if (pod.spec.nodeName === undefined) later(() => sync(pod));
    },
    processes: () =>
      [...residents.values()].flatMap(({ namespace, name, worker }) =>
        worker.containers
          .filter((container) => container.status().state.running)
          .map((container) => ({ namespace, pod: name, container: container.name, pid: container.pid })),
      ),
    kill(namespace, pod, signal = 'SIGKILL') {
      for (const { worker, ...resident } of residents.values()) {
        if (resident.namespace !== namespace || resident.name !== pod) continue;
        for (const container of worker.containers) container.kill(signal);
      }
    },
    async close() {
      closed = true;
      unwatch();
      for (const cancel of timers) cancel();
      const leaving = [...residents.values()];
      for (const { worker } of leaving) worker.kill();
      await Promise.all(leaving.map(({ done }) => done));
      await reaper.close();
    },
  };

  store.create(nodes, nodeObject(clock.now()));
  const unwatch = store.watch<Pod>(pods, onPod);
  return node;
}

function nodeObject(nowMs: number): NewObject {
  return {
    metadata: {
      name: nodeName,
      labels: { 'kubernetes.io/hostname': nodeName, 'kubernetes.io/os': process.platform },
    },
    spec: {},
    status: {
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
      conditions: withCondition([], { type: 'Ready', status: 'True', reason: 'KubeletReady' }, nowMs),
    },
  };
}
