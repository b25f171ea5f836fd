import { type Clock, type Logger, type ResourceRef, errorCode } from '@scaler/scaler-types';
import { type Workload, readWorkload } from '../workload/workload.ts';
import { createCoverage } from './coverage.ts';
import type { PodInfo, ReplicaSetInfo } from './pod-info.ts';
import { selectorText } from '../workload/labels.ts';
import { isSelected, podsOf, setsOf } from './own-pods.ts';
import type { WorkloadViews } from './workload-views.ts';
import type { KubeClient, Store } from '@scaler/kube';
import type { WorkloadKind } from '../workload/kind.ts';

/** What the pods of all resources are known by. */
export interface ClearedPodsOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Both have an index `owner`, and the pods one of their labels. */
  readonly replicaSets: Store<ReplicaSetInfo>;
  readonly pods: Store<PodInfo>;
  readonly views: WorkloadViews;
}

/** What is known of the pods of one resource. */
interface ClearedPodsView {
  /** Those that are surely alive, see `Coverage`. */
  readonly pods: readonly PodInfo[];
  /** Uids of the workload and its ReplicaSets. */
  readonly owners: ReadonlySet<string>;
}

/** The pods of one resource that are surely alive; where the watches cannot tell, it reads live. */
export type ClearedPods = ReturnType<typeof createClearedPods>;

/** `onLive` is called when a live read may have changed what `look` says. */
export function createClearedPods(ref: ResourceRef, options: ClearedPodsOptions, onLive: () => void) {
  const { clock, logger, views, replicaSets, pods: podStore } = options;
  const coverage = createCoverage();
  let waiting: readonly PodInfo[] = [];
  const check = createLiveCheck({ clock, logger, needed: () => waiting.length > 0, check: readLive });

  async function readLive(signal: AbortSignal): Promise<void> {
    const workload = views.latest(ref);
    const kind = workload && views.kindOf(workload);
    if (workload === undefined || kind === undefined) return;
    const { round } = coverage;
    const live = await readLivePods(options, kind, workload, signal);
    if (live === undefined) return;
    views.observe(live.workload);
    look();
    if (coverage.round === round && live.workload.uid === workload.uid) coverage.clear(live.uids);
    onLive();
  }

  function look(): ClearedPodsView {
    const workload = views.latest(ref);
    const { pods, owners } = workload === undefined ? nothing : seen(workload);
    waiting = pods.filter(({ uid }) => !coverage.has(uid));
    check.need(waiting.some(({ ready }) => ready));
    return { pods: pods.filter(({ uid }) => coverage.has(uid)), owners };
  }

  function seen(workload: Workload): ClearedPodsView {
    const [sets, pods] = [setsOf(options, workload), podsOf(options, workload)];
    const at = { replicaSetsAt: replicaSets.lastResourceVersion, podsAt: podStore.lastResourceVersion };
    coverage.take({ workload, replicaSets: sets, pods, ...at });
    return {
      pods: workload.replicas === 0 ? [] : pods.filter(({ terminating }) => !terminating),
      owners: new Set([workload.uid, ...sets.map(({ uid }) => uid)]),
    };
  }

  function selects(pod: PodInfo): boolean {
    const workload = views.latest(ref);
    return workload?.pods === 'selected' && isSelected(workload, pod);
  }

  return {
    /** Looks at everything anew. Call it on each event that concerns the resource. */
    look,
    forget: coverage.forget,
    /** Whether it is found by the workload's selector. */
    selects,
    /** Asks the API whatever the watches say. @throws KubeError */
    readLive,
    stop: check.stop,
  };
}

const nothing: ClearedPodsView = { pods: [], owners: new Set() };

const firstPauseMs = 25;
const longestPauseMs = 2_000;

interface LiveCheckOptions extends Pick<ClearedPodsOptions, 'clock' | 'logger'> {
  /** Whether it is still needed. */
  readonly needed: () => boolean;
  readonly check: (signal: AbortSignal) => Promise<void>;
}

/** Repeats a check for as long as it is needed, with pauses that grow from 50 ms to 2 s. */
function createLiveCheck({ clock, logger, needed, check }: LiveCheckOptions) {
  const stopping = new AbortController();
  const stopped = stopping.signal;
  let running = false;
  let first = new AbortController();

  async function run(): Promise<void> {
    let failing = false;
    await clock.sleep(firstPauseMs, AbortSignal.any([stopped, first.signal])).catch(() => undefined);
    for (
      let pauseMs = 2 * firstPauseMs;
      !stopped.aborted && needed();
      pauseMs = Math.min(longestPauseMs, 2 * pauseMs)
    ) {
      await check(stopped).catch((err: unknown) => {
        if (!stopped.aborted && !failing) logger.warn('Live read of pods failed', { code: errorCode(err), err });
        failing = true;
      });
      if (needed()) await clock.sleep(pauseMs, stopped).catch(() => undefined);
    }
  }

  return {
    /** Call it whenever it may be needed. The first check comes after 25 ms, in which the watches may do without it; `urgent`: at once. */
    need: (urgent: boolean): void => {
      if (stopped.aborted || !needed()) return;
      if (!running) {
        running = true;
        first = new AbortController();
        void run().finally(() => (running = false));
      }
      if (urgent) first.abort();
    },
    stop: (): void => stopping.abort(),
  };
}

/**
 * The rule of `Coverage`, by live reads in the order in which the facts depend on each other: workload, then
 * ReplicaSets, then pods. For when the watches have not read far enough to tell; their stores have it from then on, too.
 *
 * @returns uids of pods that are surely alive: none while the controllers have not seen the present generation. Undefined when the
 * workload is gone.
 * @throws KubeError
 */
async function readLivePods(
  { client, replicaSets, pods }: ClearedPodsOptions,
  kind: WorkloadKind,
  ref: Workload,
  signal: AbortSignal,
): Promise<{ readonly workload: Workload; readonly uids: readonly string[] } | undefined> {
  const options = { signal, lane: 'wake' } as const;
  const workload = await readWorkload(client, kind, ref, options);
  if (workload === undefined) return undefined;
  if (workload.replicas === 0 || workload.observedGeneration < workload.generation) return { workload, uids: [] };
  const selector = selectorText(workload.selector);
  if (selector === '') return { workload, uids: [] };
  const owners = new Set([workload.uid]);
  const isSelected = workload.pods === 'selected';
  for (const set of isSelected ? [] : await replicaSets.readLive(workload.namespace, selector, options)) {
    const { uid, ownerUid, replicas, generation, observedGeneration } = set;
    if (ownerUid === workload.uid && replicas > 0 && observedGeneration >= generation) owners.add(uid);
  }
  const found = await pods.readLive(workload.namespace, selector, options);
  const alive = found.filter((pod) => !pod.terminating && (isSelected || owners.has(pod.ownerUid ?? '')));
  return { workload, uids: alive.map(({ uid }) => uid) };
}
