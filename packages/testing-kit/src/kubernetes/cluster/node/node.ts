import type { Clock } from '@scaler/scaler-types';
import { TestingKitError } from '../../../errors.ts';
import { sameJson, withCondition } from '../conditions.ts';
import type { Image } from '../image.ts';
import type { Loopback } from '../loopback.ts';
import type { Labels, Pod } from '../objects.ts';
import { createPodWorker, type PodWorker } from './pod-worker.ts';
import { createReaper } from './reaper.ts';
import { hasLabels } from '../selector.ts';
import { type ClusterStore, nodes, pods, type StoreEvent } from '../store.ts';

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

export interface NodeOptions {
  readonly store: ClusterStore;
  readonly clock: Clock;
  readonly loopback: Loopback;
  readonly images: Readonly<Record<string, Image>>;
  readonly lagMs: number;
  readonly startDelayMs: number;
  readonly backOffMs: number;
  readonly onError: (error: Error) => void;
}

const nodeName = 'embedded';
const nodeLabels: Labels = { 'kubernetes.io/hostname': nodeName, 'kubernetes.io/os': process.platform };

interface Resident {
  readonly namespace: string;
  readonly name: string;
  readonly worker: PodWorker;
  readonly done: Promise<void>;
}

export function createNode(options: NodeOptions): SimulatedNode {
  const { store, clock, loopback, onError } = options;
  const residents = new Map<string, Resident>();
  const timers = new Set<() => void>();
  const reaper = createReaper();
  let cordoned = false;
  let closed = false;

  const context = {
    store,
    clock,
    reaper,
    images: options.images,
    backOffMs: options.backOffMs,
    takePodIP: () => loopback.takePodIP(),
    releasePodIP: (ip: string) => loopback.releasePodIP(ip),
    startDelayMs: () => node.startDelayMs,
    onError,
  };

  const current = (pod: Pod): Pod | undefined => {
    const found = store.get<Pod>(pods, pod.metadata.namespace ?? '', pod.metadata.name ?? '');
    return found?.metadata.uid === pod.metadata.uid ? found : undefined;
  };

  const whyNot = (pod: Pod): string | undefined => {
    if (cordoned) return 'were unschedulable';
    return hasLabels(nodeLabels, pod.spec.nodeSelector ?? {}) ? undefined : "didn't match Pod's node affinity/selector";
  };

  const schedule = (pod: Pod): void => {
    const problem = whyNot(pod);
    const message = `0/1 nodes are available: 1 node(s) ${problem}.`;
    const scheduled = { type: 'PodScheduled', status: 'True' } as const;
    const unscheduled = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message } as const;
    const bound =
      problem === undefined ? (store.update(pods, { ...pod, spec: { ...pod.spec, nodeName } }) as Pod) : pod;
    const conditions = withCondition(bound.status?.conditions, problem ? unscheduled : scheduled, clock.now());
    if (sameJson(conditions, bound.status?.conditions)) return;
    store.updateStatus(pods, { ...bound, status: { ...bound.status, conditions } });
  };

  const admit = (pod: Pod): void => {
    const { uid = '', namespace = '', name = '' } = pod.metadata;
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
    const { namespace = '', name = '', uid = '', deletionGracePeriodSeconds = 30 } = pod.metadata;
    const resident = residents.get(uid);
    if (resident) resident.worker.terminate(deletionGracePeriodSeconds * 1_000);
    else store.delete(pods, namespace, name, { gracePeriodSeconds: 0 });
  };

  /** Acts on the current state of the pod. */
  const sync = (seen: Pod): void => {
    const pod = current(seen);
    if (pod === undefined || closed) return;
    const resident = residents.get(pod.metadata.uid ?? '');
    if (pod.metadata.deletionTimestamp !== undefined) remove(pod);
    else if (pod.spec.nodeName === undefined) schedule(pod);
    else if (pod.spec.nodeName === nodeName && !resident && !isOver(pod)) admit(pod);
  };

  const later = (work: () => void): void => {
    const guarded = (): void => {
      try {
        work();
      } catch (error) {
        onError(new TestingKitError('cluster-broken', 'the node failed on a pod', { cause: error }));
      }
    };
    const cancel =
      node.lagMs > 0
        ? clock.after(node.lagMs, () => {
            timers.delete(cancel);
            guarded();
          })
        : immediately(() => {
            timers.delete(cancel);
            guarded();
          });
    timers.add(cancel);
  };

  const onPod = ({ type, object }: StoreEvent): void => {
    const pod = object as Pod;
    const resident = residents.get(pod.metadata.uid ?? '');
    if (type === 'DELETED') resident?.worker.kill();
    else if (pod.metadata.deletionTimestamp !== undefined || !resident) later(() => sync(pod));
    else if (pod.spec.readinessGates) later(() => resident.worker.refresh());
  };

  const node: SimulatedNode = {
    name: nodeName,
    lagMs: options.lagMs,
    startDelayMs: options.startDelayMs,
    cordon: () => void (cordoned = true),
    uncordon() {
      cordoned = false;
      for (const pod of store.list<Pod>(pods)) if (pod.spec.nodeName === undefined) later(() => sync(pod));
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

  if (store.get(nodes, '', nodeName) === undefined) store.create(nodes, nodeObject(clock.now()));
  const unwatch = store.watch(pods, onPod);
  return node;
}

function isOver(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

function immediately(work: () => void): () => void {
  const turn = setImmediate(work);
  return () => clearImmediate(turn);
}

function nodeObject(nowMs: number): Parameters<ClusterStore['create']>[1] {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: nodeName, labels: nodeLabels },
    spec: {},
    status: {
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
      conditions: withCondition([], { type: 'Ready', status: 'True', reason: 'KubeletReady' }, nowMs),
    },
  };
}
