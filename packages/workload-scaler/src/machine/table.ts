import { doublingMs } from '@scaler/async';
import { type Facts, type ServiceFacts, type WorkloadFacts, isLeftAsleep, type OwnerIntent } from './facts.ts';
import { cleanStrays, divert, keepDiverted, restore, untilDiverted, untilHeard } from './route.ts';
import type { Step, StopStep, SwapStep } from './step.ts';
import { cancelReason, refusalReason } from './blockers.ts';

/**
 * The repair table: phase × replicas × each Service's routing → step. Total and pure; normal path and repair are the
 * same rows. A resource is whole when the answer is `rest`.
 */

/** Bring it to rest. */
export interface RepairIntent {
  readonly kind: 'repair';
}

/** Put it to sleep: begin a park, or go on with this very one, which lives in this process. */
export interface ParkIntent {
  readonly kind: 'park';
  readonly epoch: string;
  /** For the state and the Event. */
  readonly reason: string;
  /** As read before the park began; undefined: it has not begun. */
  readonly replicas: number | undefined;
  /** The fence is up. */
  readonly confirmed: boolean;
  /** Why it ends here, where that is not among the facts: the fence, a veto, its time. */
  readonly stopped?: string | undefined;
}

/** What the caller is about. */
export type Intent = RepairIntent | ParkIntent;

export const repair: RepairIntent = { kind: 'repair' };

const rest: Step = { do: 'rest' };

/** The one thing to do next. */
export function nextStep(facts: Facts, intent: RepairIntent): Step;
export function nextStep(facts: Facts, intent: Intent): Step | StopStep;
export function nextStep(facts: Facts, intent: Intent): Step | StopStep {
  const { workload } = facts;
  if (intent.kind === 'park' && intent.replicas === undefined) return beginPark(facts, intent);
  if (workload === undefined) return restore(facts, facts.services, { hasty: true }) ?? rest;
  switch (workload.phase) {
    case 'parking':
      return intent.kind === 'park' && intent.epoch === workload.epoch
        ? park(facts, workload, intent)
        : (follow(facts, workload) ?? wakeUp(workload, 'the park was left unfinished'));
    case undefined:
      return workload.enabled ? adopt(facts, workload) : disown(facts, workload);
    case 'asleep':
      return asleep(facts, workload);
    case 'waking':
      return waking(facts, workload);
    case 'awake':
      return awake(facts, workload);
  }
}

// Awake → parking, from wherever: what is not awake is refused.
function beginPark(facts: Facts, { stopped, reason }: ParkIntent): Step | StopStep {
  const blocked = stopped ?? refusalReason(facts);
  if (blocked !== undefined || facts.workload === undefined) return { do: 'stop', reason: blocked ?? '' };
  const { replicas } = facts.workload;
  return { do: 'swap', to: 'parking', testReplicas: replicas, wanted: replicas, reason };
}

function park(facts: Facts, workload: WorkloadFacts, intent: ParkIntent): Step | StopStep {
  const { epoch, replicas = workload.replicas, stopped, reason } = intent;
  const cancelled = stopped ?? cancelReason(facts, replicas);
  if (cancelled !== undefined) return cancel(workload, cancelled);
  const exact = facts.mode !== 'always';
  const moving = divert(facts, { level: levelOf(facts), epoch, exact, mirror: false }) ?? untilDiverted(facts);
  if (moving !== undefined) return intent.confirmed ? cancel(workload, 'its routing changed after the fence') : moving;
  if (!intent.confirmed) return { do: 'confirm' };
  return { do: 'swap', to: 'asleep', replicas: 0, testReplicas: replicas, wanted: replicas, reason };
}

// Parking → waking, by the park itself. At zero already, by another client: the repair decides what that means.
function cancel(workload: WorkloadFacts, reason: string): Step | StopStep {
  return workload.replicas === 0 ? { do: 'stop', reason } : wakeUp(workload, reason);
}

// No token, or one that cannot be believed: rebuilt from what is there. Unknown means awake.
function adopt(facts: Facts, workload: WorkloadFacts): Step {
  const { replicas, wanted } = workload;
  const diverted = facts.services.some(isDiverted);
  const slept = diverted || sleeps(workload.phaseLabel);
  if (facts.ownerIntent.dryRun && !slept) return rest;
  // Its labels are not argued about, but the Services of what another client stopped lead to the DLX, which wakes it.
  const stripped = facts.contested?.what === 'token';
  if (stripped && replicas > 0 && !diverted) return rest;
  if (stripped && replicas === 0 && diverted && facts.notDivertible === undefined && facts.followZero)
    return divert(facts, { level: levelOf(facts), ...asItIs(workload) }) ?? rest;
  if (replicas > 0) return { do: 'swap', to: diverted ? 'waking' : 'awake', wanted: replicas, reason: 'adopted' };
  const mayHold = facts.notDivertible === undefined && facts.dlx === 'ready';
  if (follow(facts, workload)?.to === 'asleep' || (slept && (mayHold || isLeftAsleep(facts.ownerIntent)))) {
    return { do: 'swap', to: 'asleep', testReplicas: 0, wanted, reason: adoptedZero };
  }
  if (slept) return wakeUp(workload, 'its state is unknown');
  return { do: 'swap', to: 'awake', testReplicas: 0, wanted, reason: 'adopted, left at zero replicas' };
}

// Not opted in and no token of ours that can be believed, but perhaps something of ours is left.
function disown(facts: Facts, workload: WorkloadFacts): Step {
  const slept = facts.services.some(isDiverted) || sleeps(workload.phaseLabel);
  if (workload.replicas === 0 && workload.marked && slept) return wakeUp(workload, 'it is not managed any more');
  return handBack(facts, workload) ?? (workload.marked ? forget(facts) : rest);
}

function asleep(facts: Facts, workload: WorkloadFacts): Step {
  if (!workload.enabled) return wakeUp(workload, 'it is not managed any more');
  if (workload.replicas > 0) return wakeUp(workload, 'its replicas were raised by another client');
  const { pause, dryRun } = facts.ownerIntent;
  if (pause === 'awake' && !dryRun) return wakeUp(workload, pausedAwake);
  const reason = facts.dlx === 'gone' ? 'no DLX is there to wake it' : facts.notDivertible;
  // No request wakes it by its owner's intent, so nothing is lost without a DLX: but its Services must not lead to one.
  if (reason !== undefined && isLeftAsleep(facts.ownerIntent)) return handBack(facts, workload) ?? rest;
  if (reason !== undefined) return wakeUp(workload, reason);
  if (!workload.portsLabelled) return { do: 'label-ports' };
  // Slices and a key from before that zero may be on their way out: written anew they stay.
  const exact = facts.mode !== 'always' && workload.followed;
  const next = divert(facts, { level: levelOf(facts), ...asItIs(workload), exact }) ?? cleanStrays(facts) ?? rest;
  return next.do === 'write-slices' ? (untilQuiet(facts) ?? next) : next;
}

// Slices that another client deletes are written again, since nothing else leads to the DLX, but not at its pace.
function untilQuiet({ contested, settleMs }: Facts): Step | undefined {
  if (contested?.what !== 'slices' || contested.quietMs >= settleMs) return undefined;
  return { do: 'wait', for: 'settle', forMs: settleMs - contested.quietMs };
}

function waking(facts: Facts, workload: WorkloadFacts): Step {
  // A wake that goes on writes the replicas again; without a request, an HPA that writes 0 is not argued with.
  if (workload.replicas === 0) return follow(facts, workload) ?? wakeUp(workload, 'its wake was left unfinished');
  const done: SwapStep = { do: 'swap', to: 'awake', wanted: workload.replicas, reason: served };
  if (facts.dlx === 'gone') return handBack(facts, workload) ?? done;
  if (mustTouch(facts)) return { do: 'touch', times: (facts.unseen?.touched ?? 0) + 1 };
  // Where none are left for it, it is handed back with those that it has.
  if (workload.enabled && !workload.portsLabelled && facts.notDivertible === undefined) return { do: 'label-ports' };
  if (staysDiverted(facts, workload)) {
    if (facts.usable) return divert(facts, { level: 'both', ...asItIs(workload) }) ?? cleanStrays(facts) ?? done;
    return divert(facts, { level: 'both', ...asItIs(workload) }) ?? untilUsable;
  }
  if (!facts.usable) return keepDiverted(facts, epochOf(workload)) ?? untilUsable;
  const reached = facts.notDivertible === undefined ? mirrored(facts, workload) : undefined;
  return reached ?? handBack(facts, workload) ?? done;
}

const firstTouchMs = 5_000;
const longestTouchMs = 60_000;
const mostTouches = 6;

// Argo Rollouts 1.9.2 puts its own older copy over what its watch has told it, and looks again at the next change alone.
function mustTouch({ usable, unseen }: Facts): boolean {
  if (usable || unseen === undefined || unseen.touched >= mostTouches) return false;
  return unseen.forMs >= doublingMs(unseen.touched + 1, firstTouchMs, longestTouchMs);
}

const untilUsable: Step = { do: 'wait', for: 'endpoints', forMs: 500 };

function awake(facts: Facts, workload: WorkloadFacts): Step {
  if (!workload.enabled) return handBack(facts, workload) ?? forget(facts);
  const followed = follow(facts, workload);
  if (followed !== undefined) return followed;
  const begun = !facts.ownerIntent.dryRun || facts.services.some(isDiverted);
  if (!staysDiverted(facts, workload) || !begun) {
    const left = trueSlices(facts, workload) ?? handBack(facts, workload);
    return left ?? (workload.portsLabelled || !begun ? rest : { do: 'label-ports' });
  }
  if (!workload.portsLabelled) return { do: 'label-ports' };
  return enterPath(facts, workload) ?? cleanStrays(facts) ?? rest;
}

/**
 * Makes a zero that another client wrote a sleep, so that a request wakes it. Needs no fence: what was under way was
 * that client's to spare, and went with the pods. Tested, so that a client that starts it at this moment wins.
 */
function follow(facts: Facts, workload: WorkloadFacts): SwapStep | undefined {
  const { enabled, replicas, wanted } = workload;
  const { pause, dryRun } = facts.ownerIntent;
  if (!enabled || replicas > 0 || !facts.followZero || dryRun || pause === 'as-is') return undefined;
  if (pause === 'awake') return wakeUp(workload, pausedAwake);
  if (facts.notDivertible !== undefined || facts.dlx !== 'ready') return undefined;
  return { do: 'swap', to: 'asleep', testReplicas: 0, wanted, reason: followedZero };
}

const pausedAwake = 'it is paused awake';

/** The state's reasons of a sleep that another client began, and of having been woken. */
export const followedZero = 'the replicas were set to 0 by another client';
/** The same as earlier versions wrote it; it stands in states until the next transition. */
export const followedZeroBefore = 'somebody else set the replicas to 0';
const adoptedZero = 'adopted at zero replicas';

/** Whether this reason of a state tells of a sleep that another client began. */
export function isZeroOfOthers(reason: unknown): boolean {
  return reason === followedZero || reason === followedZeroBefore || reason === adoptedZero;
}

export const served = 'its pods serve again';

// `always`, adopted: the DLX enters the path only once a request through it has come to the pods.
function enterPath(facts: Facts, workload: WorkloadFacts): Step | undefined {
  const next = divert(facts, { level: 'both', ...asItIs(workload) });
  if (
    next === undefined ||
    next.do === 'wait' ||
    facts.services.every((service) => !service.ours || isClosed(service))
  ) {
    return next;
  }
  if (facts.reachable === true) return next;
  if (facts.reachable === undefined && facts.usable) return { do: 'try-path' };
  const undone = handBack(facts, workload);
  return undone ?? { do: 'wait', for: 'reach', forMs: 1_000 };
}

// A Service whose pods are slow to join it is served by the DLX meanwhile, so its slices must stay true.
function mirrored(facts: Facts, workload: WorkloadFacts): Step | undefined {
  const waits = facts.services.some(
    ({ ours, serves, slices }) => ours && !serves && slices !== 'none' && slices !== 'whole',
  );
  return waits && facts.dlx === 'ready' ? keepDiverted(facts, epochOf(workload)) : undefined;
}

// Slices that came late stand until their Service has settled, and may name a DLX that is gone.
function trueSlices(facts: Facts, workload: WorkloadFacts): Step | undefined {
  const untrue = facts.services.find(({ ours, slices }) => ours && slices === 'outdated');
  if (untrue === undefined || facts.dlx !== 'ready') return undefined;
  return { do: 'write-slices', service: untrue.name, epoch: epochOf(workload), forKey: false };
}

function handBack(facts: Facts, workload: WorkloadFacts): Step | undefined {
  // The DLX refuses what it has forgotten: slices that came late lead nowhere.
  const hasty = facts.dlx === 'gone' || workload.replicas === 0 || !workload.marked;
  return restore(facts, facts.services, { hasty });
}

// What it forgets the DLX refuses: not while a kube-proxy may still lead connections to it.
function forget(facts: Facts): Step {
  return (facts.dlx === 'gone' ? undefined : untilHeard(facts)) ?? { do: 'forget' };
}

function wakeUp(workload: WorkloadFacts, reason: string): SwapStep {
  const { replicas, wanted } = workload;
  if (replicas > 0) return { do: 'swap', to: 'waking', wanted: replicas, reason };
  return { do: 'swap', to: 'waking', replicas: wanted, testReplicas: 0, wanted, reason };
}

function staysDiverted(facts: Facts, workload: WorkloadFacts): boolean {
  return workload.enabled && facts.mode === 'always' && facts.notDivertible === undefined && facts.dlx !== 'gone';
}

// Without pods the slices do alone where another client takes the key out of the selector.
function levelOf(facts: Facts): 'slices' | 'both' {
  return facts.mode === 'overlay' || facts.contested?.what === 'key' ? 'slices' : 'both';
}

// Outside a park any epoch will do: what stands there was written by a park that is over.
function asItIs(workload: WorkloadFacts): { epoch: string; exact: boolean; mirror: boolean } {
  return { epoch: epochOf(workload), exact: false, mirror: true };
}

// A phase that is known has an epoch.
function epochOf(workload: WorkloadFacts): string {
  return workload.epoch ?? '';
}

function isDiverted({ slices, key }: ServiceFacts): boolean {
  return slices !== 'none' || key !== undefined;
}

function isClosed({ slices, key }: ServiceFacts): boolean {
  return slices !== 'none' && key !== undefined;
}

function sleeps(phaseLabel: string | undefined): boolean {
  return phaseLabel === 'parking' || phaseLabel === 'asleep' || phaseLabel === 'waking';
}

/** What a wake does, from the workload alone: routing is not its business. */
export type WakeStep =
  | SwapStep
  /** It was started already, or never stopped: wait for an endpoint. */
  | { readonly do: 'join' }
  /** Another client set it to 0, or a pause leaves it there, and that is how it is wanted. */
  | { readonly do: 'refuse' };

/** What says whether a request may wake it. */
export interface WakeRules extends Pick<OwnerIntent, 'pause'> {
  readonly followZero: boolean;
}

/**
 * The wake's rows: phase × replicas → swap, or join. `wanted` is how many replicas are asked for at the least.
 * A pause refuses what would write replicas, and, `asleep`, what would cancel a park; a wake that is under way goes on.
 * The replicas are tested wherever they are written, so that a stale cache never writes over another client's count.
 */
export function wakeStep(workload: WorkloadFacts, rules: WakeRules, wanted: number, reason: string): WakeStep {
  const { phase, replicas } = workload;
  const swap: SwapStep = { do: 'swap', to: 'waking', wanted: Math.max(replicas, wanted), reason };
  const starting: SwapStep = { ...swap, replicas: swap.wanted, testReplicas: replicas };
  const left = isLeftAsleep(rules);
  switch (phase) {
    case 'asleep':
      // What another client wrote meanwhile is newer than what stood there before the sleep.
      if (replicas > 0) return { ...swap, wanted: replicas };
      return left ? { do: 'refuse' } : starting;
    case 'parking':
      if (rules.pause === 'asleep' || (left && replicas === 0)) return { do: 'refuse' };
      // Cancelling writes no replicas: an HPA may have taken some away since the park began.
      return replicas > 0 ? { ...swap, wanted: replicas } : starting;
    case 'waking':
      return replicas === 0 ? starting : { do: 'join' };
    case 'awake':
      if (replicas > 0) return { do: 'join' };
      return rules.followZero && !left ? starting : { do: 'refuse' };
    case undefined:
      if (replicas > 0) return { do: 'join' };
      return (rules.followZero || sleeps(workload.phaseLabel)) && !left ? starting : { do: 'refuse' };
  }
}
