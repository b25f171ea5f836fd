import { backoffMs } from '@scaler/async';
import { readToken } from '../workload/token.ts';
import type { Workload } from '../workload/workload.ts';
import {
  pauseInEffect,
  pauseText,
  resourceKey,
  type ResourceRef,
  ScalerError,
  type ScaleOptions,
  terminal,
  type WakeStep,
} from '@scaler/scaler-types';
import { WorkloadScalerError } from '../errors.ts';
import { targetsOf, tokenFacts } from '../observe/observe.ts';
import type { Dependencies } from '../dependencies.ts';
import type { Managed } from '../cache/lookup.ts';
import type { Applier } from './apply.ts';
import { readManaged } from '../cache/snapshot.ts';
import { type WakeRules, wakeStep } from '../machine/table.ts';
import { mostWatched } from '../endpoints/watching.ts';
import { isLeftAsleep } from '../machine/facts.ts';
import type { PodInfo } from '../endpoints/pod-info.ts';
import type { StoreEvent } from '@scaler/kube';
import { isPodOf, podsOf } from '../endpoints/own-pods.ts';

/** While a wake waits for pods, the workload is read so often in case the watch is silent, and the pods where it was. */
const betweenLooksMs = 2_000;
/** Between writes that are refused in a row. */
const [firstPauseMs, longestPauseMs] = [40, 1_000];

/** The workload, and whether what is known of it is from after the wake was asked for. */
interface Seen {
  readonly managed: Managed;
  readonly live: boolean;
}

/**
 * Starts a resource, or joins a start that is under way, and resolves when it has a usable endpoint. From any process. That it
 * resolves proves that it was awake after it was called: it never does so on the word of a cache alone.
 */
export async function wake(
  deps: Dependencies,
  applier: Applier,
  ref: ResourceRef,
  options: ScaleOptions,
): Promise<void> {
  const { signal, reason, replicas } = options;
  const cached = deps.lookup.managed(ref);
  let seen: Seen = cached === undefined ? await readLive(deps, ref, signal) : { managed: cached, live: false };
  const progress = createProgress(deps, ref, seen.managed.workload, options);
  let unannounced: Managed | undefined;
  let lost = 0;
  const tell = (): void => {
    if (unannounced !== undefined) announce(deps, unannounced, reason);
    unannounced = undefined;
  };
  try {
    for (;;) {
      signal.throwIfAborted();
      const { managed, live } = seen;
      const token = tokenFacts(deps, managed);
      const wanted = Math.max(replicas ?? 0, token.wanted);
      const step = wakeStep({ ...token, portsLabelled: true }, rulesOf(deps, managed), wanted, reason.text);
      if (step.do === 'swap') {
        const { won, managed: after } = await applier.swap(managed, step, { by: reason.by, signal }, 'wake');
        if (won) unannounced = managed;
        // A swap lost to another client is decided anew at once; a swap lost again and again is refused by the API.
        else if (++lost > 1) await deps.clock.sleep(backoffMs(lost - 1, firstPauseMs, longestPauseMs), signal);
        seen = after === undefined ? await readLive(deps, ref, signal) : { managed: after, live: true };
      } else if (!live) {
        seen = await readLive(deps, ref, signal);
      } else if (step.do === 'refuse') {
        throw terminal(refusalOf(deps, managed));
      } else {
        progress.report('written');
        const serves = await servesWithin(deps, managed, progress, signal);
        // Not sooner: its Event would keep the API from other wakes that began with it.
        tell();
        if (serves) return;
        seen = await readLive(deps, ref, signal);
      }
    }
  } finally {
    tell();
  }
}

async function readLive(deps: Dependencies, ref: ResourceRef, signal: AbortSignal): Promise<Seen> {
  const managed = await readManaged(deps, ref, signal, 'wake');
  if (managed === undefined || managed.workload.deleting) {
    throw terminal(new ScalerError('unknown-resource', `There is no resource ${resourceKey(ref)}`));
  }
  return { managed, live: true };
}

function announce(deps: Dependencies, before: Managed, { by, text }: ScaleOptions['reason']): void {
  const cancels = readToken(before.workload).phase === 'parking';
  deps.announce(before, cancels ? 'ParkCancelled' : 'WokenUp', `${by}: ${text}`);
}

function rulesOf({ clock }: Dependencies, { settings }: Managed): WakeRules {
  return { followZero: settings.followZero, pause: pauseInEffect(settings.pause, clock.now()) };
}

function refusalOf(deps: Dependencies, managed: Managed): Error {
  const key = resourceKey(managed.workload);
  const { pause } = managed.settings;
  if (pause !== undefined && isLeftAsleep(rulesOf(deps, managed)))
    return new ScalerError('paused', `${key} is ${pauseText(pause)}`);
  const text = `The replicas of ${key} were set to 0 by another client, and scaler/follow-zero is false`;
  return new WorkloadScalerError('left-at-zero', text);
}

/** True as soon as any target has a usable endpoint; false when it is worth another look at the workload. */
async function servesWithin(
  deps: Dependencies,
  managed: Managed,
  progress: Progress,
  signal: AbortSignal,
): Promise<boolean> {
  const { endpoints, lookup } = deps;
  const { workload } = managed;
  const over = new AbortController();
  const until = AbortSignal.any([signal, over.signal]);
  const stops = [...watchForZero(deps, managed, () => over.abort()), progress.followPods(workload)];
  // Where it is over, or the API does not answer, the next read says so.
  const pause = succeeds(pauseBeforeNextLook(deps, workload, until)).then(() => false);
  const targets = targetsOf(workload, lookup.servicesOf(managed));
  const serving = targets.slice(0, mostWatched).map((target) => succeeds(endpoints.whenUsable(target, until)));
  try {
    // Without a Service there is no endpoint to wait for; its own count of ready pods has to do.
    const counted = targets.length === 0 || targets.length > mostWatched;
    if (counted && workload.readyReplicas > 0 && workload.observedGeneration >= workload.generation) return true;
    return await Promise.race([pause, ...serving.map((one) => one.then((usable) => usable || pause))]);
  } finally {
    for (const stop of stops) stop();
    over.abort();
    signal.throwIfAborted();
  }
}

function succeeds(promise: Promise<unknown>): Promise<boolean> {
  return promise.then(
    () => true,
    () => false,
  );
}

async function pauseBeforeNextLook(
  { clock, endpoints, stores }: Dependencies,
  workload: Workload,
  signal: AbortSignal,
): Promise<void> {
  await clock.sleep(betweenLooksMs, signal);
  if (stores.pods.ageMs() >= betweenLooksMs) await endpoints.readLive(workload, signal);
}

// Parked or stopped again while its pods were on their way up: the watch says so sooner than the next look.
function watchForZero(
  { stores }: Dependencies,
  { workload: { uid } }: Managed,
  onZero: () => void,
): readonly (() => void)[] {
  const listener = ({ object }: { object: Managed['workload'] }): void => {
    if (object.uid === uid && object.replicas === 0) onZero();
  };
  return stores.workloads.map(({ store }) => store.subscribe(listener));
}

/** How far one wake has come, for the caller that asked for it: each step is reported once. */
export interface Progress {
  report(step: WakeStep): void;
  /** Tells once a pod has a node; ends by what it returns. */
  followPods(workload: Workload): () => void;
}

const unasked: Progress = { report: () => undefined, followPods: () => () => undefined };

/** `before`: the workload as it was when the wake was asked for. */
export function createProgress(
  { stores, logger }: Dependencies,
  ref: ResourceRef,
  before: Workload,
  { progress }: ScaleOptions,
): Progress {
  if (progress === undefined) return unasked;
  // What is still there of a workload at zero was there before it slept.
  const old = new Set(before.replicas === 0 ? podsOf(stores, before).map(({ uid }) => uid) : []);
  const reported = new Set<WakeStep>();
  const report = (step: WakeStep): void => {
    if (reported.has(step)) return;
    reported.add(step);
    try {
      progress(ref, step);
    } catch (error) {
      logger.debug('progress could not be reported', { ...ref, step, err: error });
    }
  };
  return {
    report,
    followPods: (workload) => {
      const look = (pod: PodInfo): void => {
        if (pod.scheduled && !pod.terminating && !old.has(pod.uid)) report('scheduled');
      };
      for (const pod of podsOf(stores, workload)) look(pod);
      if (reported.has('scheduled')) return () => undefined;
      const ownersOf = (uid: string): string[] =>
        stores.replicaSets.byIndex('uid', uid).map((set) => set.ownerUid ?? '');
      return stores.pods.subscribe(({ type, object }: StoreEvent<PodInfo>) => {
        if (type !== 'deleted' && isPodOf(workload, object, ownersOf)) look(object);
      });
    },
  };
}
