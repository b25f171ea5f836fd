import { newEpoch, readToken } from '../workload/token.ts';
import { ofFamilies } from '../routing/mirror.ts';
import { isOurs } from '../routing/slices.ts';
import { resourceKey, type ResourceRef, ScalerError, type ScaleOptions } from '@scaler/scaler-types';
import { leadingOf, liveSnapshot, type Snapshot } from '../cache/snapshot.ts';
import { look } from '../observe/observe.ts';
import type { Dependencies } from '../dependencies.ts';
import type { Managed } from '../cache/lookup.ts';
import type { Applier } from './apply.ts';
import { type BesideFacts, refusalReason } from '../machine/blockers.ts';
import { divertedPorts } from '../ports/port-label.ts';
import type { Step, StopStep } from '../machine/step.ts';
import { nextStep, type ParkIntent } from '../machine/table.ts';
import { unsaidPaths } from '../dlx/reachability.ts';
import { vetoOf } from './veto.ts';

/** Once everything is written, kube-proxies and slices get this long before the park is given up. */
const patienceMs = 30_000;

/** One park under way. */
interface Park {
  readonly deps: Dependencies;
  readonly applier: Applier;
  readonly ref: ResourceRef;
  readonly options: ScaleOptions;
}

/**
 * Puts a resource to sleep: preflight, divert, settle, fence, zero. Every decision is made on live reads.
 *
 * @throws ScalerError `park-refused`: nothing was changed; `park-cancelled`: it was begun, and is being undone.
 */
export async function park(
  deps: Dependencies,
  applier: Applier,
  ref: ResourceRef,
  options: ScaleOptions,
): Promise<void> {
  const key = resourceKey(ref);
  const { signal } = options;
  deps.parks.add(key);
  try {
    await deps.repairs.get(key);
    const snapshot = await liveSnapshot(deps, ref, signal);
    if (snapshot.managed === undefined) throw new ScalerError('unknown-resource', `There is no resource ${key}`);
    if (isAsleep(snapshot.managed)) return;
    const one = { deps, applier, ref, options };
    await goOn(one, await begin(one, snapshot, snapshot.managed));
  } finally {
    deps.parks.delete(key);
    deps.watching.drop(ref);
    deps.enqueue(ref);
  }
}

function isAsleep({ workload }: Managed): boolean {
  return readToken(workload).phase === 'asleep' && workload.replicas === 0;
}

async function begin(one: Park, snapshot: Snapshot, managed: Managed): Promise<ParkIntent> {
  const { deps, applier, options } = one;
  const { signal, reason } = options;
  const facts = look(deps, snapshot);
  const beside = await besideFacts(one, snapshot, managed);
  let stopped = refusalReason(facts, beside);
  // Last, since it sends requests to the pods.
  if (stopped === undefined) {
    const problems = (await options.preflight?.(snapshot.ref, signal)) ?? [];
    stopped = problems.length > 0 ? problems.join('; ') : await vetoOf(deps, managed, signal);
    stopped ??= facts.mode === 'always' ? undefined : await unwakeable(one, snapshot, managed);
  }
  const intent: ParkIntent = {
    ...{ kind: 'park', epoch: newEpoch(), reason: reason.text, replicas: undefined, confirmed: false, stopped },
  };
  const step = nextStep(facts, intent);
  if (step.do !== 'swap') throw refused(deps, managed, step.do === 'stop' ? step.reason : 'it cannot begin');
  const { won } = await applier.swap(managed, step, { by: reason.by, signal }, 'normal', intent.epoch);
  if (!won) throw refused(deps, managed, 'another client changed it at the same moment');
  return { ...intent, replicas: managed.workload.replicas };
}

// `always` asks before the DLX enters the path.
async function unwakeable({ deps, options }: Park, snapshot: Snapshot, managed: Managed): Promise<string | undefined> {
  const { paths, print } = unsaidPaths(deps, snapshot, managed);
  const problem = await deps.reachability.unspoken(snapshot.ref, paths, print, options.signal);
  return problem && `its clients could not wake it: ${problem}`;
}

function refused(deps: Dependencies, managed: Managed, why: string): ScalerError {
  deps.announce(managed, 'ParkRefused', why);
  return new ScalerError('park-refused', `${resourceKey(managed.workload)} is not parked: ${why}`);
}

/** What is known beside the table's facts before a park begins. */
async function besideFacts({ deps, options }: Park, snapshot: Snapshot, managed: Managed): Promise<BesideFacts> {
  const { client, dlx } = deps;
  const { kind, workload } = managed;
  const { signal } = options;
  const [object, addresses] = await Promise.all([client.get(kind.kind, workload, { signal }), dlx?.live(signal)]);
  const leading = leadingOf(snapshot);
  const ready = (addresses ?? []).filter((one) => one.ready).map(({ address }) => address);
  const notListening = leading.flatMap((service) => {
    const ports = divertedPorts(service, workload, deps.options.portRange).map(({ listenPort }) => listenPort);
    dlx?.findListening(ports);
    const listed = new Set(dlx?.listed(ports));
    return ofFamilies(ready, service.ipFamilies).filter((address) => !listed.has(address));
  });
  return {
    problems: managed.problems,
    services: leading.length,
    dlxNamed: dlx !== undefined,
    notListening: [...new Set(notListening)],
    rollout: kind.rollout(object),
    contested: deps.conflicts.of(snapshot.ref)?.text,
  };
}

async function goOn(one: Park, begun: ParkIntent): Promise<void> {
  const { deps, applier, ref, options } = one;
  const { signal, reason } = options;
  let intent = begun;
  let limitMs = Infinity;
  for (;;) {
    const snapshot = await liveSnapshot(deps, ref, signal);
    await deps.conflicts.look(snapshot, signal);
    const managed = held(ref, snapshot, intent.epoch);
    const facts = look(deps, snapshot);
    if (limitMs === Infinity) limitMs = deps.clock.monotonic() + facts.settleMs * 2 + patienceMs;
    if (deps.clock.monotonic() > limitMs) intent = { ...intent, stopped: 'its routing did not settle' };
    const step = nextStep(facts, intent);
    switch (step.do) {
      case 'stop':
        throw await cancel(one, managed, step);
      case 'swap': {
        if (step.to !== 'asleep') throw await cancel(one, managed, step);
        const { won } = await applier.swap(managed, step, { by: reason.by, signal });
        if (!won) break;
        deps.announce(managed, 'Parked', reason.text);
        return;
      }
      case 'confirm': {
        // The veto last: from the fence on, whatever comes is seen without it.
        const stopped = (await fence(one, snapshot, intent.epoch)) ?? (await vetoOf(deps, managed, signal));
        intent = { ...intent, confirmed: stopped === undefined, stopped };
        if (stopped !== undefined) throw await cancel(one, managed, nextStep(facts, intent));
        break;
      }
      case 'wait':
        await untilChanged(one, intent.epoch, step.forMs);
        break;
      case 'rest':
      case 'try-path':
        throw new ScalerError('park-cancelled', `The park of ${resourceKey(ref)} has no next step`);
      default:
        await applier.write(snapshot, step, signal);
    }
  }
}

// A swap of the token meanwhile has undone the park: a wake, mostly.
function held(ref: ResourceRef, { managed }: Snapshot, epoch: string): Managed {
  const token = managed && readToken(managed.workload);
  if (managed !== undefined && token?.epoch === epoch && token.phase === 'parking') return managed;
  const who =
    token?.state === undefined ? 'its workload is gone or was rewritten' : `${token.state.by}: ${token.state.reason}`;
  throw new ScalerError('park-cancelled', `The park of ${resourceKey(ref)} was undone: ${who}`);
}

async function fence({ ref, options }: Park, snapshot: Snapshot, epoch: string): Promise<string | undefined> {
  const { confirm, signal } = options;
  if (confirm === undefined) return undefined;
  const addresses = snapshot.services.flatMap(({ slices }) =>
    slices.filter(isOurs).flatMap(({ endpoints }) => endpoints.map(({ address }) => address)),
  );
  const answer = await confirm({ resource: ref, epoch, addresses: [...new Set(addresses)] }, signal);
  return answer.ok ? undefined : answer.reason;
}

async function cancel(
  { deps, applier, options: { reason, signal } }: Park,
  managed: Managed,
  step: Step | StopStep,
): Promise<ScalerError> {
  const why = 'reason' in step ? step.reason : step.do;
  const doing = { by: reason.by, reason: `park cancelled: ${why}`, signal };
  // A swap that was lost was another client's, which announces it.
  const lost = step.do === 'swap' && !(await applier.swap(managed, step, doing)).won;
  if (!lost) deps.announce(managed, 'ParkCancelled', why);
  return new ScalerError('park-cancelled', `The park of ${resourceKey(managed.workload)} was cancelled: ${why}`);
}

/** Waits, but no longer than until the store hears that the token was swapped. */
async function untilChanged({ deps, ref, options: { signal } }: Park, epoch: string, ms: number): Promise<void> {
  const changed = new AbortController();
  // The store may lag behind our own swap, and tell of what was before it.
  let seen = false;
  const look = (): void => {
    const known = deps.lookup.managed(ref);
    if (known !== undefined && readToken(known.workload).epoch === epoch) seen = true;
    else if (seen) changed.abort();
  };
  look();
  const stops = deps.stores.workloads.map(({ store }) => store.subscribe(look));
  try {
    await deps.clock.sleep(ms, AbortSignal.any([signal, changed.signal]));
  } catch (error) {
    if (!changed.signal.aborted || signal.aborted) throw error;
  } finally {
    for (const stop of stops) stop();
  }
}
