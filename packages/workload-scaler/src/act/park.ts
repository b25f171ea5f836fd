import { newEpoch, readToken } from '../workload/token.ts';
import { ofFamilies } from '../routing/mirror.ts';
import { resourceKey, type ResourceRef, ScalerError, type ScaleOptions } from '@scaler/scaler-types';
import { factsOf, leadingOf, rivalOf } from '../observe/observe.ts';
import type { Dependencies } from '../dependencies.ts';
import type { Managed } from '../cache/lookup.ts';
import type { Performer } from './apply.ts';
import { parkProblems, rolloutProblem } from '../machine/preflight.ts';
import { divertedPorts } from '../routing/service-view.ts';
import { liveSnapshot, type Snapshot } from '../cache/snapshot.ts';
import type { SwapStep } from '../machine/step.ts';
import { type Intent, nextStep } from '../machine/table.ts';
import { vetoOf } from './veto.ts';

/** Once everything is written, kube-proxies and slices get this long before the park is given up. */
const patienceMs = 30_000;

type ParkIntent = Intent & { kind: 'park' };

/**
 * Puts a resource to sleep: preflight, divert, settle, fence, zero. Every decision is made on live reads.
 *
 * @throws ScalerError `park-refused`: nothing was changed; `park-cancelled`: it was begun, and is being undone.
 */
export async function park(
  deps: Dependencies,
  performer: Performer,
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
    const begun = await begin(deps, performer, snapshot, options);
    await goOn(deps, performer, ref, begun, options);
  } finally {
    deps.parks.delete(key);
    deps.watching.drop(ref);
    deps.lookAgain(ref);
  }
}

function isAsleep({ workload }: Managed): boolean {
  return readToken(workload).phase === 'asleep' && workload.replicas === 0;
}

async function begin(
  deps: Dependencies,
  performer: Performer,
  snapshot: Snapshot,
  options: ScaleOptions,
): Promise<ParkIntent> {
  const managed = snapshot.managed as Managed;
  let problems = await problemsOf(deps, snapshot, managed, options.signal);
  // Last, since it sends requests to the pods.
  if (problems.length === 0) problems = (await options.preflight?.(snapshot.ref, options.signal)) ?? [];
  const veto = problems.length === 0 ? await vetoOf(deps, managed, options.signal) : undefined;
  if (veto !== undefined) problems = [veto];
  if (problems.length > 0) throw refused(deps, managed, problems.join('; '));
  const { replicas } = managed.workload;
  const epoch = newEpoch();
  const step: SwapStep = {
    do: 'swap',
    to: 'parking',
    testReplicas: replicas,
    wanted: replicas,
    why: options.reason.text,
  };
  const doing = { by: options.reason.by, signal: options.signal };
  const { won } = await performer.swap(managed, step, doing, 'normal', epoch);
  if (!won) throw refused(deps, managed, 'somebody else changed it at the same moment');
  return { kind: 'park', epoch, replicas, confirmed: false };
}

function refused(deps: Dependencies, managed: Managed, why: string): ScalerError {
  deps.announce(managed, 'ParkRefused', why);
  return new ScalerError('park-refused', `${resourceKey(managed.workload)} is not parked: ${why}`);
}

async function problemsOf(
  deps: Dependencies,
  snapshot: Snapshot,
  managed: Managed,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { client, dlx } = deps;
  const { kind, workload } = managed;
  const [object, addresses] = await Promise.all([client.get(kind.kind, workload, { signal }), dlx?.live(signal)]);
  const leading = leadingOf(snapshot);
  const ready = (addresses ?? []).filter((one) => one.ready).map(({ address }) => address);
  const deaf = leading.flatMap((service) => {
    const ports = divertedPorts(service, workload, deps.options.portRange).map(({ listenPort }) => listenPort);
    const listed = new Set(dlx?.listed(ports));
    return ofFamilies(ready, service.ipFamilies).filter((address) => !listed.has(address));
  });
  return parkProblems({
    facts: factsOf(deps, snapshot),
    problems: managed.problems,
    services: leading.length,
    dlxNamed: dlx !== undefined,
    deaf: [...new Set(deaf)],
    rollout: rolloutProblem(object),
    rival: rivalOf(deps, snapshot.ref)?.text,
  });
}

async function goOn(
  deps: Dependencies,
  performer: Performer,
  ref: ResourceRef,
  begun: ParkIntent,
  options: ScaleOptions,
): Promise<void> {
  const { signal, reason } = options;
  let intent = begun;
  let limitMs = Infinity;
  for (;;) {
    const snapshot = await liveSnapshot(deps, ref, signal);
    await deps.rivals.look(snapshot, signal);
    const managed = held(ref, snapshot, intent.epoch);
    const facts = factsOf(deps, snapshot);
    if (limitMs === Infinity) limitMs = deps.clock.monotonic() + facts.settleMs * 2 + patienceMs;
    if (deps.clock.monotonic() > limitMs)
      throw await cancel(deps, performer, managed, 'its routing did not settle', options);
    const step = nextStep(facts, intent);
    switch (step.do) {
      case 'swap': {
        if (step.to !== 'asleep') throw await cancel(deps, performer, managed, step.why, options);
        const { won } = await performer.swap(managed, step, { by: reason.by, reason: reason.text, signal });
        if (!won) break;
        deps.announce(managed, 'Parked', reason.text);
        return;
      }
      case 'confirm': {
        // The veto last: from the fence on, whatever comes is seen without it.
        const why = (await fence(snapshot, intent.epoch, options)) ?? (await vetoOf(deps, managed, signal));
        if (why !== undefined) throw await cancel(deps, performer, managed, why, options);
        intent = { ...intent, confirmed: true };
        break;
      }
      case 'wait':
        await untilChanged(deps, ref, intent.epoch, step.forMs, signal);
        break;
      case 'rest':
      case 'try-path':
        throw new ScalerError('park-cancelled', `The park of ${resourceKey(ref)} has no next step`);
      default:
        await performer.write(snapshot, step, signal);
    }
  }
}

// Whoever swapped the token meanwhile has undone the park: a wake, mostly.
function held(ref: ResourceRef, { managed }: Snapshot, epoch: string): Managed {
  const token = managed && readToken(managed.workload);
  if (managed !== undefined && token?.epoch === epoch && token.phase === 'parking') return managed;
  const who =
    token?.state === undefined ? 'its workload is gone or was rewritten' : `${token.state.by}: ${token.state.reason}`;
  throw new ScalerError('park-cancelled', `The park of ${resourceKey(ref)} was undone: ${who}`);
}

async function fence(
  snapshot: Snapshot,
  epoch: string,
  { confirm, signal }: ScaleOptions,
): Promise<string | undefined> {
  if (confirm === undefined) return undefined;
  const addresses = snapshot.services.flatMap(({ slices }) =>
    slices
      .filter(({ managedBy }) => managedBy === 'scaler')
      .flatMap(({ endpoints }) => endpoints.map(({ address }) => address)),
  );
  const answer = await confirm({ resource: snapshot.ref, epoch, addresses: [...new Set(addresses)] }, signal);
  return answer.ok ? undefined : answer.reason;
}

async function cancel(
  deps: Dependencies,
  performer: Performer,
  managed: Managed,
  why: string,
  { reason, signal }: ScaleOptions,
): Promise<ScalerError> {
  const { replicas } = managed.workload;
  // At zero already, by somebody else's hand: the repair decides what that means.
  if (replicas > 0) {
    const step: SwapStep = { do: 'swap', to: 'waking', wanted: replicas, why: `park cancelled: ${why}` };
    const { won } = await performer.swap(managed, step, { by: reason.by, signal });
    // Else it was cancelled by somebody who has told so.
    if (won) deps.announce(managed, 'ParkCancelled', why);
  } else {
    deps.announce(managed, 'ParkCancelled', why);
  }
  return new ScalerError('park-cancelled', `The park of ${resourceKey(managed.workload)} was cancelled: ${why}`);
}

/** Waits, but no longer than until the store hears that the token was swapped. */
async function untilChanged(
  deps: Dependencies,
  ref: ResourceRef,
  epoch: string,
  ms: number,
  signal: AbortSignal,
): Promise<void> {
  const changed = new AbortController();
  const isOurs = ({ workload }: Managed): boolean => readToken(workload).epoch === epoch;
  // The store may lag behind our own swap, and tell of what was before it.
  let seen = false;
  const look = (): void => {
    const known = deps.lookup.managed(ref);
    if (known !== undefined && isOurs(known)) seen = true;
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
