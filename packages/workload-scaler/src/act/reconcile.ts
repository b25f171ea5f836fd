import { mapBounded } from '@scaler/async';
import { readToken } from '../workload/token.ts';
import { lossOf } from '../workload/workload.ts';
import type { ServiceInfo } from '../routing/service-info.ts';
import { errorCode, resourceKey, type ResourceRef, type ScaleResult } from '@scaler/scaler-types';
import { WorkloadScalerError } from '../errors.ts';
import type { Facts } from '../machine/facts.ts';
import { notDivertibleReasonOf, look } from '../observe/observe.ts';
import { leadingOf, cachedSnapshot, liveSnapshot, type Snapshot } from '../cache/snapshot.ts';
import type { Dependencies } from '../dependencies.ts';
import { isEnabled, type Managed } from '../cache/lookup.ts';
import { createBlockedReporter, createOutageReporter, type ReportOutage } from '../events/standing-reporters.ts';
import type { Applier } from './apply.ts';
import { isContested, type Ports } from '../ports/ports.ts';
import { noService } from '../machine/divertible.ts';
import type { Step, SwapStep } from '../machine/step.ts';
import { followedZero, nextStep, repair } from '../machine/table.ts';
import { createNamespaceReporter, createSettingsReporter } from '../events/settings-reporter.ts';
import { pathsTo } from '../dlx/reachability.ts';
import { whoWrote } from '../conflict/who.ts';

const concurrency = 8;
const maxSteps = 60;
/** The watch tells of a mirror write that was lost to another client, not of one that the API refused or lost. */
const lostMs = 1_000;
/** What failed is looked at again, in case nothing tells of what it waits for. */
const failedMs = 5_000;

/** Brings resources to rest, or to where only waiting helps. For the Lease holder. See docs/decisions/who-writes.md. */
export function createReconcile(deps: Dependencies, applier: Applier, ports: Ports, by: string) {
  const reportSettings = createSettingsReporter(deps);
  const reportBlocked = createBlockedReporter(deps);
  const reportOutage = createOutageReporter(deps);
  const reportNamespace = createNamespaceReporter(deps);

  /** Undefined: another call works on it, so it is not looked at. */
  async function one(resource: ResourceRef, signal: AbortSignal): Promise<ScaleResult | undefined> {
    const ref = { namespace: resource.namespace, name: resource.name };
    const key = resourceKey(ref);
    if (deps.repairs.has(key) || deps.parks.has(key)) return undefined;
    const cached = cachedSnapshot(deps, ref);
    if (cached.managed !== undefined) {
      const leading = leadingOf(cached);
      reportSettings(cached.managed, leading);
      reportBlocked(cached.managed, lastingReasonOf(deps, cached.managed, leading));
      reportNamespace(ref.namespace);
    }
    const repairing = settle({ deps, applier, reportOutage, by, signal }, cached).then(
      (againMs): ScaleResult => ({ resource: ref, ok: true, ...(againMs < Infinity && { againMs }) }),
      (error: unknown): ScaleResult => ({ resource: ref, ok: false, error: error as Error }),
    );
    deps.repairs.set(key, repairing);
    const result = await repairing;
    deps.repairs.delete(key);
    if (!result.ok) deps.enqueue(ref, failedMs);
    // A sweep does not pass by what asks to be looked at again.
    else if (result.againMs !== undefined) deps.atRest.forget(ref);
    return result;
  }

  return async (refs: readonly ResourceRef[], signal: AbortSignal): Promise<readonly ScaleResult[]> => {
    ports.begin(signal);
    const looked = refs.length > 0 ? refs : deps.lookup.refs().filter((ref) => !isAtRest(deps, ref));
    const results: (ScaleResult | undefined)[] = [];
    await mapBounded([...looked.entries()], concurrency, async ([i, ref]) => {
      results[i] = await one(ref, signal);
    });
    return results.filter((result) => result !== undefined);
  };
}

function isAtRest({ stores, atRest }: Dependencies, { namespace, name }: ResourceRef): boolean {
  return stores.workloads.some(({ store }) => {
    const workload = store.get(namespace, name);
    return workload !== undefined && atRest.has(workload);
  });
}

/** What keeps it awake for good, beside its settings, which have Events of their own. */
function lastingReasonOf(deps: Dependencies, managed: Managed, services: readonly ServiceInfo[]): string | undefined {
  if (!isEnabled(managed.workload)) return undefined;
  const loss = lossOf(managed.workload);
  return services.length === 0 ? noService : (loss ?? notDivertibleReasonOf(deps, managed, services));
}

/** One call of reconcile. */
interface Repair {
  readonly deps: Dependencies;
  readonly applier: Applier;
  readonly reportOutage: ReportOutage;
  readonly by: string;
  readonly signal: AbortSignal;
}

/** In how many milliseconds to reconcile it again; Infinity: when something changes. */
async function settle(one: Repair, cached: Snapshot): Promise<number> {
  const { deps, applier, reportOutage, signal } = one;
  const { ref } = cached;
  const contested = cached.managed !== undefined && isContested(deps, cached.managed.workload);
  if (contested) await applier.write(cached, { do: 'label-ports' }, signal).catch(unlessNoPort);
  const facts = look(deps, cached);
  const next = nextStep(facts, repair);
  if (next.do === 'rest') {
    if (cached.managed !== undefined && !contested && !isTimed(cached.managed)) {
      deps.atRest.note(cached.managed.workload);
    }
    return Infinity;
  }
  if (isMirroring(facts, next)) return mirror(one, cached, facts, next.epoch);
  let after: Snapshot | undefined;
  for (let steps = 0; steps < maxSteps; steps++) {
    signal.throwIfAborted();
    if (deps.parks.has(resourceKey(ref))) return Infinity;
    const known = after;
    const snapshot = known ?? (await liveSnapshot(deps, ref, signal));
    after = undefined;
    const conflict = deps.conflicts.of(ref);
    await deps.conflicts.look(snapshot, signal);
    // A conflict that begins or ends is shown even where nothing else changes any more.
    if (deps.conflicts.of(ref)?.text !== conflict?.text) deps.enqueue(ref);
    const facts = look(deps, snapshot);
    const step = nextStep(facts, repair);
    // Another client may have changed it since, and no watch tells of that again.
    if (step.do === 'rest' && known !== undefined) continue;
    if (step.do === 'rest' || step.do === 'wait') return end(deps, ref, facts, step);
    if (snapshot.managed !== undefined) reportOutage(snapshot.managed, facts, step);
    if (snapshot.managed !== undefined && isRepair(facts, step)) {
      deps.announce(snapshot.managed, 'RoutingRepaired', `${step.do} of Service ${step.service}`);
    }
    after = await applyStep(one, snapshot, step);
  }
  throw new WorkloadScalerError('not-settled', `${resourceKey(ref)} did not come to rest within ${maxSteps} steps`);
}

// It is in the facts by then: what has no ports is woken.
function unlessNoPort(error: unknown): void {
  if (errorCode(error) !== 'no-port') throw error;
}

type WriteSlices = Step & { do: 'write-slices' };

/** Nothing but the addresses has changed, in a phase in which no other step writes slices. */
function isMirroring({ workload, services }: Facts, step: Step): step is WriteSlices {
  if (step.do !== 'write-slices' || step.forKey || (workload?.phase !== 'asleep' && workload?.phase !== 'awake'))
    return false;
  return services.some(({ name, slices }) => name === step.service && slices === 'outdated');
}

// Without a live read: a write over anything but what the store knows fails. With reads a rollout of the DLX would cost
// seven calls for each sleeper instead of one.
async function mirror(
  { applier, signal }: Repair,
  cached: Snapshot,
  { services }: Facts,
  epoch: string,
): Promise<number> {
  let againMs = Infinity;
  for (const { name, ours, slices } of services) {
    if (!ours || slices !== 'outdated') continue;
    const done = await applier.write(
      cached,
      { do: 'write-slices', service: name, epoch, forKey: false },
      signal,
      'mirror',
    );
    if (!done) againMs = lostMs;
  }
  return againMs;
}

/** The end of a pause or a lease is no event of any watch. */
function isTimed({ settings }: Managed): boolean {
  return settings.pause !== undefined || settings.busyUntil !== undefined;
}

function end(deps: Dependencies, ref: ResourceRef, { workload }: Facts, step: Step & { do: 'rest' | 'wait' }): number {
  const starting = workload?.phase === 'waking' || step.do === 'wait';
  if (!starting) deps.watching.drop(ref);
  if (step.do === 'rest') return Infinity;
  // The DLX's addresses are watched; the rest is only seen by looking.
  return step.for === 'dlx' ? 10_000 : step.forMs;
}

/**
 * What stands after a swap that was won, else undefined: read anew. Its routing was read for that swap, and whatever is
 * written to it next is tested. Without it, who takes over 50 parks would have to read most of them twice.
 */
async function applyStep(
  { deps, applier, by, signal }: Repair,
  snapshot: Snapshot,
  step: Exclude<Step, { do: 'rest' | 'wait' }>,
): Promise<Snapshot | undefined> {
  const { managed } = snapshot;
  switch (step.do) {
    case 'swap': {
      if (managed === undefined) return undefined;
      const { won, managed: swapped } = await applier.swap(managed, step, { by, signal });
      if (won) await announceSwap(deps, managed, step, signal);
      return won && swapped !== undefined ? { ...snapshot, managed: swapped } : undefined;
    }
    case 'try-path':
      await tryPath(deps, snapshot, signal);
      return undefined;
    case 'confirm':
      // Only a park asks for it, and the repair never parks.
      return undefined;
    default:
      await applier.write(snapshot, step, signal);
      return undefined;
  }
}

// Asleep, nothing but the addresses should ever change, and awake no key should be left.
function isRepair({ workload, services, dlx }: Facts, step: Step): step is Step & { service: string } {
  if (!('service' in step) || dlx === 'gone') return false;
  if (workload?.phase === 'awake') return step.do === 'remove-key';
  const outdated = services.some(({ name, slices }) => name === step.service && slices === 'outdated');
  return workload?.phase === 'asleep' && (step.do === 'add-key' || (step.do === 'write-slices' && !outdated));
}

async function announceSwap(
  deps: Dependencies,
  managed: Managed,
  { to, reason: words }: SwapStep,
  signal: AbortSignal,
): Promise<void> {
  const from = readToken(managed.workload).phase;
  const byOthers = words === followedZero || (from === 'asleep' && managed.workload.replicas > 0);
  const why = byOthers ? words + (await whoScaled(deps, managed, signal)) : words;
  if (to === 'asleep') deps.announce(managed, 'Parked', why);
  if (to === 'awake' && from === 'waking') deps.announce(managed, 'Restored', why);
  if (to === 'waking' && from === 'parking') deps.announce(managed, 'ParkCancelled', why);
  if (to === 'waking' && from === 'asleep' && !deps.isDlxGone()) deps.announce(managed, 'WokenUp', why);
}

// Of a 0 that was set through the scale the API keeps no trace.
async function whoScaled({ client }: Dependencies, managed: Managed, signal: AbortSignal): Promise<string> {
  const writer = await whoWrote(client, managed, { what: 'replicas', object: '' }, Infinity, signal);
  return writer === undefined ? '' : `: ${writer.manager}`;
}

async function tryPath(deps: Dependencies, snapshot: Snapshot, signal: AbortSignal): Promise<void> {
  const { managed } = snapshot;
  if (managed === undefined) return;
  const paths = await pathsTo(deps, snapshot, managed, signal);
  const unreached = await deps.reachability.try(snapshot.ref, paths, signal);
  // Whether the DLX reaches its pods is shown.
  deps.enqueue(snapshot.ref);
  // Once may be a pod that is not quite there yet.
  if (unreached !== undefined && unreached.failures > 1) deps.announce(managed, 'DlxUnreachable', unreached.problem);
}
