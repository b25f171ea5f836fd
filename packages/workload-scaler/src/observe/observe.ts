import type { DivertedPort } from '../routing/build-slice.ts';
import { isOurs } from '../routing/routing.ts';
import { keys } from '../workload/keys.ts';
import { type MirrorAddresses, mirrorAddresses, ofFamilies } from '../routing/mirror.ts';
import { readToken } from '../workload/token.ts';
import type { ServiceInfo } from '../routing/service-info.ts';
import type { Workload } from '../workload/workload.ts';
import { resourceKey, type ResourceRef, type Target } from '@scaler/scaler-types';
import type { Facts, ServiceFacts, WorkloadFacts } from '../machine/facts.ts';
import { arePortsGiven, givenPorts } from '../ports/given-ports.ts';
import type { Dependencies } from '../dependencies.ts';
import { isEnabled, type Managed } from '../cache/lookup.ts';
import { isMirrorDue } from '../dlx/mirror-due.ts';
import { refusal, routingMode } from '../machine/refusal.ts';
import type { GivenWay } from '../conflict/conflicts.ts';
import { fingerprint, servesItself, type ServiceSnapshot, sliceFacts } from '../routing/service-view.ts';
import type { Snapshot } from '../cache/snapshot.ts';
import { firstPair } from '../cache/stores.ts';
import { mostWatched } from '../endpoints/watching.ts';
import { noWishes, wishesOf } from '../machine/intent.ts';

/** What the repair table looks at, from what was read. */
export function factsOf(deps: Dependencies, snapshot: Snapshot): Facts {
  const { managed, services } = snapshot;
  const leading = leadingOf(snapshot);
  const mode = managed === undefined ? 'selector' : routingMode(managed.settings, leading);
  const rival = rivalOf(deps, snapshot.ref);
  const bar = rival === undefined || rival.what === 'zero' ? undefined : rival.text;
  return {
    workload: managed && workloadFacts(deps, managed, leading),
    mode,
    followZero: managed?.settings.followZero ?? true,
    wishes: managed === undefined ? noWishes : wishesOf(managed.settings, deps.clock.now()),
    settleMs: managed?.settings.settleMs ?? deps.options.settleMs,
    refused: managed && (refusalOf(deps, managed, leading) ?? deps.portBook.refusals.get(managed.workload.uid) ?? bar),
    stripped: rival?.what === 'token',
    services: services.map((service) => serviceFacts(deps, snapshot, service)),
    // Nobody is to be held in vain: as if nobody were there to hold.
    dlx: deps.uninstall?.hasty === true ? 'gone' : dlxState(deps, snapshot),
    usable: isUsable(deps, snapshot, leading),
    reachable: deps.reach.known(snapshot.ref),
  };
}

/** Who is given way to; has the resource looked at again when that is over. */
export function rivalOf({ rivals, lookAgain }: Dependencies, ref: ResourceRef): GivenWay | undefined {
  const rival = rivals.of(ref);
  if (rival !== undefined) lookAgain(ref, rival.leftMs);
  return rival;
}

/** The Services that lead to the resource. */
export function leadingOf({ services }: Snapshot): readonly ServiceInfo[] {
  return services.flatMap(({ service, leads }) => (service !== undefined && leads ? [service] : []));
}

/** The token's half of the facts: all that a wake needs. */
export function tokenFacts(
  { counts, uninstall }: Dependencies,
  { workload, settings }: Managed,
): Omit<WorkloadFacts, 'portsLabelled'> {
  const { phase, epoch, state } = readToken(workload);
  // Awake, others may have scaled it since the state was written.
  const seen = phase === 'awake' ? counts.before(workload) : undefined;
  return {
    phase,
    epoch,
    phaseLabel: workload.labels[keys.phase],
    marked: isMarked(workload),
    enabled: uninstall === undefined && isEnabled(workload),
    replicas: workload.replicas,
    wanted: Math.max(1, settings.replicas ?? seen ?? state?.replicas ?? replicasBefore(workload), workload.replicas),
  };
}

// A token that cannot be believed may still tell how many there were: `kubectl rollout undo` brings old annotations back.
function replicasBefore({ uid, annotations }: Workload): number {
  try {
    const state = JSON.parse(annotations[keys.state] ?? 'null') as { uid?: unknown; replicas?: unknown } | null;
    return state?.uid === uid && Number.isSafeInteger(state.replicas) ? Number(state.replicas) : 1;
  } catch {
    return 1;
  }
}

function workloadFacts(deps: Dependencies, managed: Managed, services: readonly ServiceInfo[]): WorkloadFacts {
  return { ...tokenFacts(deps, managed), portsLabelled: arePortsGiven(deps, managed.workload, services) };
}

function isMarked(workload: Workload): boolean {
  return ownLabels(workload).length > 0 || workload.annotations[keys.state] !== undefined;
}

/** The labels of a workload that we wrote, with their values. */
export function ownLabels({ labels, portLabels }: Workload): readonly (readonly [label: string, value: string])[] {
  const token = [keys.phase, keys.epoch].flatMap((label) => {
    const value = labels[label];
    return value === undefined ? [] : [[label, value] as const];
  });
  return [...token, ...portLabels.map(({ label, value }) => [label, value] as const)];
}

function serviceFacts(deps: Dependencies, { ref, managed, live }: Snapshot, snapshot: ServiceSnapshot): ServiceFacts {
  const { name, service, ours } = snapshot;
  const key = `${ref.namespace}/${name}`;
  const ports = managed ? givenPorts(deps, managed.workload, snapshot) : [];
  const addresses = addressesFor(deps, service, ports);
  const { slices, urgency } = sliceFacts(snapshot, ports, addresses);
  const isDue = isMirrorDue(deps, ref, {
    ...{ key, all: snapshot.slices, slices, urgency },
    ...{ starting: deps.dlx?.starting === true, listed: addresses.listed },
  });
  const print = fingerprint(snapshot);
  const asleepKey = service?.selector?.[keys.asleep];
  const keyOverForMs = service === undefined ? Infinity : deps.lateKeys.overForMs(service.uid, asleepKey);
  return {
    name,
    ours,
    slices: isDue ? slices : 'whole',
    sliceEpoch: commonEpoch(snapshot),
    key: asleepKey,
    serves: live && servesItself(snapshot.slices),
    stableForMs: live ? Math.min(deps.memory.observe(`routing ${key}`, print), keyOverForMs) : 0,
  };
}

function commonEpoch({ slices }: ServiceSnapshot): string | undefined {
  const epochs = new Set(slices.filter(isOurs).map(({ epoch }) => epoch));
  return epochs.size === 1 ? [...epochs][0] : undefined;
}

// Of the Service's own families: clients do not come by others.
function addressesFor(
  { dlx }: Dependencies,
  service: ServiceInfo | undefined,
  ports: readonly DivertedPort[],
): MirrorAddresses {
  const { ipFamilies = [] } = service ?? {};
  const listed = dlx?.listed(ports.map(({ listenPort }) => listenPort)) ?? [];
  return { listed: ofFamilies(listed, ipFamilies), draining: ofFamilies(dlx?.draining ?? [], ipFamilies) };
}

/** What a Service's slices should name now. */
export function wantedAddresses(
  deps: Dependencies,
  snapshot: ServiceSnapshot,
  ports: readonly DivertedPort[],
): readonly string[] {
  const own = snapshot.slices.filter(isOurs);
  const current = own.flatMap(({ endpoints }) => endpoints.map(({ address }) => address));
  return mirrorAddresses(current, addressesFor(deps, snapshot.service, ports));
}

function dlxState(deps: Dependencies, { managed, services }: Snapshot): Facts['dlx'] {
  const { dlx } = deps;
  if (dlx === undefined || !dlx.synced) return 'none';
  if (deps.isDlxGone()) return waitsForTurn(deps, managed) ? 'none' : 'gone';
  const listening = services.every((one) => {
    if (!one.ours || one.service === undefined || managed === undefined) return true;
    const ports = givenPorts(deps, managed.workload, one);
    return addressesFor(deps, one.service, ports).listed.length > 0;
  });
  return dlx.ready.length > 0 && listening ? 'ready' : 'none';
}

// Pods that run are restored at once: only what has to start is paced.
function waitsForTurn({ pace }: Dependencies, managed: Managed | undefined): boolean {
  return managed !== undefined && readToken(managed.workload).phase === 'asleep' && !pace.isTurn(managed.workload);
}

/** Every TCP port of these Services, as targets of the resource. */
export function targetsOf(ref: ResourceRef, services: readonly ServiceInfo[]): readonly Target[] {
  const resource = { namespace: ref.namespace, name: ref.name };
  return services.flatMap(({ name, ports }) =>
    ports.filter(({ protocol }) => protocol === 'TCP').map(({ port }) => ({ resource, service: name, port })),
  );
}

// Looking costs watches and probes, so it starts only where it was read live that the answer matters.
function isUsable(
  { watching }: Dependencies,
  { managed, live, ref }: Snapshot,
  leading: readonly ServiceInfo[],
): boolean {
  if (managed === undefined) return false;
  const { workload } = managed;
  const targets = targetsOf(ref, leading);
  const hasReady = workload.readyReplicas > 0 && workload.observedGeneration >= workload.generation;
  if (targets.length === 0) return hasReady;
  const usable = watching.usable(ref, targets, { start: live && workload.replicas > 0 });
  return usable || (hasReady && targets.length > mostWatched);
}

const fewOthers = 10;

/** Why the Services cannot be diverted, from the stores' pods and workloads. */
export function refusalOf(deps: Dependencies, managed: Managed, services: readonly ServiceInfo[]): string | undefined {
  const { stores, lookup } = deps;
  const { workload, settings } = managed;
  const pairs = [...new Set(services.flatMap(firstPair))];
  const pods = [...new Set(pairs.flatMap((pair) => stores.pods.byIndex('label', pair)))];
  const self = resourceKey(workload);
  const others = new Set<Workload>();
  for (const service of services) {
    for (const other of lookup.workloadsBehind(service)) {
      if (other.uid !== workload.uid && resourceKey(other) !== self) others.add(other);
    }
    // A few are named: where one Service is shared among many, so may be all.
    if (others.size > fewOthers) break;
  }
  const owners = new Set(pods.map(({ ownerUid }) => ownerUid ?? ''));
  const replicaSets = [...owners].flatMap((uid) => stores.replicaSets.byIndex('uid', uid));
  const ingresses = services.flatMap(({ namespace, name }) => lookup.ingressesOf(namespace, name));
  const own = refusal({
    workload,
    settings,
    services,
    pods,
    replicaSets,
    others: [...others],
    ingresses: [...new Set(ingresses)],
    targetGroups: services.flatMap(({ namespace, name }) => lookup.targetGroupsOf(namespace, name)),
  });
  return own ?? services.flatMap((service) => missingFamilies(service, deps))[0];
}

function missingFamilies({ name, ipFamilies }: ServiceInfo, { dlx }: Dependencies): string[] {
  if (dlx === undefined || dlx.families.size === 0) return [];
  return ipFamilies
    .filter((family) => !dlx.families.has(family))
    .map((family) => `Service ${name} has ${family} and the DLX's has not: whoever comes by it would find nobody`);
}
