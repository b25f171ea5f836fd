import type { Clock, Logger, ResourceRef } from '@scaler/scaler-types';
import type { Workload } from '../workload/workload.ts';
import { createCoverage } from './coverage.ts';
import { createLiveCheck } from './live-check.ts';
import { type LivePodsSources, readLivePods } from './live-pods.ts';
import type { PodInfo } from './pod-info.ts';
import { isSelected } from './own-pods.ts';
import type { PodRelations } from './pod-relations.ts';
import type { WorkloadViews } from './workload-views.ts';

export interface ClearedPodsOptions extends LivePodsSources {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly views: WorkloadViews;
  readonly relations: PodRelations;
}

/** What is known of the pods of one resource. */
interface ClearedPodsView {
  /** Those that are surely alive, see `Coverage`. */
  readonly pods: readonly PodInfo[];
  /** Uids of the workload and its ReplicaSets. */
  readonly owners: ReadonlySet<string>;
}

/** The pods of one resource that are surely alive; where the watches cannot tell, it reads live. */
export interface ClearedPods {
  /** Looks at everything anew. Call it on each event that concerns the resource. */
  look(): ClearedPodsView;
  forget(podUid: string): void;
  /** Whether it is found by the workload's selector. */
  selects(pod: PodInfo): boolean;
  /** Asks the API whatever the watches say. @throws KubeError */
  readLive(signal: AbortSignal): Promise<void>;
  stop(): void;
}

/** `onLive` is called when a live read may have changed what `look` says. */
export function createClearedPods(ref: ResourceRef, options: ClearedPodsOptions, onLive: () => void): ClearedPods {
  const { clock, logger, views, relations } = options;
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
    const facts = relations.factsOf(workload);
    coverage.take(facts);
    return {
      pods: workload.replicas === 0 ? [] : facts.pods.filter(({ terminating }) => !terminating),
      owners: new Set([workload.uid, ...facts.replicaSets.map(({ uid }) => uid)]),
    };
  }

  function selects(pod: PodInfo): boolean {
    const workload = views.latest(ref);
    return workload?.pods === 'selected' && isSelected(workload, pod);
  }

  return { look, forget: coverage.forget, selects, readLive, stop: check.stop };
}

const nothing: ClearedPodsView = { pods: [], owners: new Set() };
