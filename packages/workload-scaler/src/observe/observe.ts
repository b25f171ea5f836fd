import { type DivertedPort, isOurs, resourceLabel } from '../routing/slices.ts';
import { keys } from '../workload/keys.ts';
import { type MirrorAddresses, mirrorAddresses, ofFamilies, mirrorDelay } from '../routing/mirror.ts';
import { fieldsIn, readToken } from '../workload/token.ts';
import { type ServiceInfo, tcpPortsOf } from '../routing/service-info.ts';
import { lossOf, type Workload } from '../workload/workload.ts';
import { resourceKey, type ResourceRef, type Target } from '@scaler/scaler-types';
import { type Facts, type ServiceFacts, type WorkloadFacts, noOwnerIntent, ownerIntentOf } from '../machine/facts.ts';
import { arePortsGiven, givenPorts } from '../ports/port-label.ts';
import type { Dependencies } from '../dependencies.ts';
import { isEnabled, type Managed } from '../cache/lookup.ts';
import { isStoppedByOthers } from '../conflict/stopped-by-others.ts';
import { notDivertibleReason, routingMode } from '../machine/divertible.ts';
import {
  addedKeys,
  fingerprint,
  keyMayCome,
  selects,
  servesItself,
  type ServiceSnapshot,
  sliceFacts,
} from '../routing/routing.ts';
import { isZeroOfOthers } from '../machine/table.ts';
import { type Snapshot, leadingOf } from '../cache/snapshot.ts';
import { firstPair } from '../cache/stores.ts';
import { podsOf } from '../endpoints/own-pods.ts';
import { mostWatched } from '../endpoints/watching.ts';

/** What observing reads, and no more: nothing here can write, set a timer or begin a watch. */
export interface Sources extends Pick<
  Dependencies,
  'options' | 'stores' | 'lookup' | 'isDlxGone' | 'uninstall' | 'portBook' | 'history'
> {
  readonly clock: Pick<Dependencies['clock'], 'now'>;
  readonly memory: Pick<Dependencies['memory'], 'age'>;
  readonly watching: Pick<Dependencies['watching'], 'usable'>;
  readonly conflicts: Pick<Dependencies['conflicts'], 'of'>;
  readonly reachability: Pick<Dependencies['reachability'], 'known'>;
  readonly startThrottle: Pick<Dependencies['startThrottle'], 'mayStart'>;
  readonly dlx:
    | Pick<NonNullable<Dependencies['dlx']>, 'listed' | 'ready' | 'draining' | 'starting' | 'synced' | 'families'>
    | undefined;
}

/**
 * What the repair table looks at, from what was read, and what is to be done so that it becomes true in time. Twice the same for the same
 * snapshot at the same time.
 */
export function observe(deps: Sources, snapshot: Snapshot) {
  const wanted = nothingWanted();
  return { facts: factsOf(deps, snapshot, wanted), wanted };
}

function factsOf(deps: Sources, snapshot: Snapshot, wanted: Wanted): Facts {
  const { managed, services } = snapshot;
  const leading = leadingOf(snapshot);
  const mode = managed === undefined ? 'selector' : routingMode(managed.settings, leading, managed.workload);
  const conflict = deps.conflicts.of(snapshot.ref);
  if (conflict !== undefined) again(wanted, conflict.leftMs);
  const mayDivert = conflict === undefined || conflict.what === 'zero' || isStoppedByOthers(snapshot, deps.clock.now());
  const bar = mayDivert ? undefined : conflict.text;
  return {
    workload: managed && workloadFacts(deps, managed, leading),
    mode,
    followZero: managed?.settings.followZero ?? true,
    ownerIntent: managed === undefined ? noOwnerIntent : ownerIntentOf(managed.settings, deps.clock.now()),
    settleMs: managed?.settings.settleMs ?? deps.options.settleMs,
    notDivertible:
      managed &&
      (notDivertibleReasonOf(deps, managed, leading) ?? deps.portBook.refusals.get(managed.workload.uid) ?? bar),
    contested: conflict,
    services: services.map((service) => serviceFacts(deps, snapshot, service, wanted)),
    // No request is to be held in vain: it is as if there were no DLX.
    dlx: deps.uninstall?.hasty === true ? 'gone' : dlxState(deps, snapshot, wanted),
    unseen: managed && unseenOf(deps, managed.workload, wanted),
    usable: isUsable(deps, snapshot, leading, wanted),
    reachable: deps.reachability.known(snapshot.ref),
  };
}

function unseenOf({ memory }: Sources, workload: Workload, wanted: Wanted): Facts['unseen'] {
  const { generation, observedGeneration, annotations } = workload;
  if (observedGeneration >= generation) return undefined;
  const touched = Number(fieldsIn(annotations[keys.state])?.touched ?? 0);
  const unseen = [`unseen ${resourceKey(workload)}`, `${generation} ${touched}`] as const;
  wanted.seen.push(unseen);
  return { forMs: memory.age(...unseen), touched };
}

/** The facts may be others in `ms`. */
export function again(wanted: Wanted, ms: number): void {
  wanted.againMs = Math.min(wanted.againMs, ms);
}

/** The token's half of the facts: all that a wake needs. */
export function tokenFacts(
  { history, uninstall, stores }: Pick<Sources, 'history' | 'uninstall' | 'stores'>,
  { workload, settings }: Managed,
): Omit<WorkloadFacts, 'portsLabelled'> {
  const { phase, epoch, state } = readToken(workload);
  // Awake, others may have scaled it since the state was written.
  const seen = phase === 'awake' ? history.replicasBefore(workload) : undefined;
  return {
    phase,
    epoch,
    phaseLabel: workload.labels[keys.phase],
    marked: isMarked(workload),
    enabled: uninstall === undefined && isEnabled(workload),
    replicas: workload.replicas,
    followed: isZeroOfOthers(state?.reason),
    wanted: Math.max(
      1,
      settings.replicas ?? seen ?? state?.replicas ?? recordedReplicas(stores, workload),
      workload.replicas,
    ),
    loses: lossOf(workload),
  };
}

// The object may have been rewritten, and `kubectl rollout undo` brings old annotations back: our slices stand beside it, and
// say what the park found. A token that cannot be believed may still tell, too.
function recordedReplicas({ slices }: Pick<Sources['stores'], 'slices'>, workload: Workload): number {
  const { namespace, name, uid, annotations } = workload;
  const [recorded] = slices
    .byIndex('resource', `${namespace}/${resourceLabel(name)}`)
    .flatMap((slice) => (isOurs(slice) && slice.replicas !== undefined ? [slice.replicas] : []));
  if (recorded !== undefined) return recorded;
  const state = fieldsIn(annotations[keys.state]);
  return state?.uid === uid && Number.isSafeInteger(state.replicas) ? Number(state.replicas) : 1;
}

function workloadFacts(deps: Sources, managed: Managed, services: readonly ServiceInfo[]): WorkloadFacts {
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

function serviceFacts(
  deps: Sources,
  { ref, managed, live }: Snapshot,
  snapshot: ServiceSnapshot,
  wanted: Wanted,
): ServiceFacts {
  const { name, service, ours } = snapshot;
  const key = `${ref.namespace}/${name}`;
  const ports = managed ? givenPorts(deps, managed.workload, snapshot) : [];
  const addresses = addressesFor(deps, service, ports, wanted);
  const found = sliceFacts(snapshot, ports, addresses);
  const urgency = found.urgency;
  const slices = found.slices !== 'none' && forgets(deps, managed, snapshot) ? 'broken' : found.slices;
  const mirror = mirrorDelay(deps.memory, {
    ...{ key, all: snapshot.slices, slices, urgency },
    ...{ starting: deps.dlx?.starting === true, listed: addresses.listed },
  });
  wanted.seen.push(...mirror.seen);
  if (mirror.leftMs > 0) again(wanted, mirror.leftMs);
  const print = fingerprint(snapshot);
  if (live) wanted.seen.push([`routing ${key}`, print]);
  return {
    name,
    ours,
    slices: mirror.leftMs > 0 ? 'whole' : slices,
    sliceEpoch: commonEpoch(snapshot),
    key: service?.selector?.[keys.asleep],
    keyMayCome: keyMayCome(snapshot),
    touched: service?.touched === true,
    serves: live && servesItself(snapshot.slices),
    leadsNowhere:
      live && service !== undefined && managed !== undefined && leadsNowhere(deps, service, managed.workload),
    stableForMs: live ? deps.memory.age(`routing ${key}`, print) : 0,
  };
}

// By its pods: not every kind's status counts them.
function leadsNowhere({ stores }: Pick<Sources, 'stores'>, service: ServiceInfo, workload: Workload): boolean {
  const { replicas, generation, observedGeneration } = workload;
  if (replicas === 0 || observedGeneration < generation || addedKeys(service, workload).length === 0) return false;
  const pods = podsOf(stores, workload).filter(({ terminating }) => !terminating);
  return pods.length >= replicas && !pods.some(({ labels }) => selects(service, labels));
}

// In `always` they have stood there since it was adopted; what they say is all that is left of an object that is rewritten.
function forgets(deps: Sources, managed: Managed | undefined, { slices }: ServiceSnapshot): boolean {
  if (managed === undefined || readToken(managed.workload).phase !== 'parking') return false;
  const { wanted } = tokenFacts(deps, managed);
  return slices.some((slice) => isOurs(slice) && slice.replicas !== wanted);
}

function commonEpoch({ slices }: ServiceSnapshot): string | undefined {
  const epochs = new Set(slices.filter(isOurs).map(({ epoch }) => epoch));
  return epochs.size === 1 ? [...epochs][0] : undefined;
}

// Of the Service's own families: clients do not come by others.
function addressesFor(
  { dlx }: Pick<Sources, 'dlx'>,
  service: ServiceInfo | undefined,
  ports: readonly DivertedPort[],
  wanted: Wanted,
): MirrorAddresses {
  const { ipFamilies = [] } = service ?? {};
  const listenPorts = ports.map(({ listenPort }) => listenPort);
  const listed = dlx?.listed(listenPorts) ?? [];
  if (dlx !== undefined && listed.length < dlx.ready.length) listenPorts.forEach((port) => wanted.listen.add(port));
  return { listed: ofFamilies(listed, ipFamilies), draining: ofFamilies(dlx?.draining ?? [], ipFamilies) };
}

/** What a Service's slices should name now. */
export function wantedAddresses(
  deps: Pick<Sources, 'dlx'>,
  snapshot: ServiceSnapshot,
  ports: readonly DivertedPort[],
): readonly string[] {
  const own = snapshot.slices.filter(isOurs);
  const current = own.flatMap(({ endpoints }) => endpoints.map(({ address }) => address));
  return mirrorAddresses(current, addressesFor(deps, snapshot.service, ports, nothingWanted()));
}

function dlxState(deps: Sources, { managed, services }: Snapshot, wanted: Wanted): Facts['dlx'] {
  const { dlx } = deps;
  if (dlx === undefined || !dlx.synced) return 'none';
  if (deps.isDlxGone()) return waitsToStart(deps, managed) ? 'none' : 'gone';
  const listening = services.every((one) => {
    if (!one.ours || one.service === undefined || managed === undefined) return true;
    const ports = givenPorts(deps, managed.workload, one);
    return addressesFor(deps, one.service, ports, wanted).listed.length > 0;
  });
  return dlx.ready.length > 0 && listening ? 'ready' : 'none';
}

// Pods that run are restored at once: only what has to start is paced.
function waitsToStart({ startThrottle }: Sources, managed: Managed | undefined): boolean {
  return (
    managed !== undefined && readToken(managed.workload).phase === 'asleep' && !startThrottle.mayStart(managed.workload)
  );
}

/** Every TCP port of these Services, as targets of the resource. */
export function targetsOf(ref: ResourceRef, services: readonly ServiceInfo[]): readonly Target[] {
  const resource = { namespace: ref.namespace, name: ref.name };
  return services.flatMap((service) =>
    tcpPortsOf(service).map(({ port }) => ({ resource, service: service.name, port })),
  );
}

// Looking costs watches and probes, so it starts only where it was read live that the answer matters.
function isUsable(
  { watching }: Sources,
  { managed, live, ref }: Snapshot,
  leading: readonly ServiceInfo[],
  wanted: Wanted,
): boolean {
  if (managed === undefined) return false;
  const { workload } = managed;
  const targets = targetsOf(ref, leading);
  const hasReady = workload.readyReplicas > 0 && workload.observedGeneration >= workload.generation;
  if (targets.length === 0) return hasReady;
  if (live && workload.replicas > 0) wanted.watch = targets;
  return watching.usable(ref) || (hasReady && targets.length > mostWatched);
}

const fewOthers = 10;

/** Why the Services cannot be diverted, from the stores' pods and workloads. */
export function notDivertibleReasonOf(
  deps: Pick<Sources, 'stores' | 'lookup' | 'dlx'>,
  managed: Managed,
  services: readonly ServiceInfo[],
): string | undefined {
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
  const ingresses = services.flatMap((service) => lookup.ingressesOf(service));
  const own = notDivertibleReason({
    workload,
    settings,
    services,
    pods,
    replicaSets,
    others: [...others],
    ingresses: [...new Set(ingresses)],
    targetGroups: services.flatMap((service) => lookup.targetGroupsOf(service)),
  });
  return own ?? services.flatMap((service) => missingFamilies(service, deps))[0];
}

function missingFamilies({ name, ipFamilies }: ServiceInfo, { dlx }: Pick<Sources, 'dlx'>): string[] {
  if (dlx === undefined || dlx.families.size === 0) return [];
  return ipFamilies
    .filter((family) => !dlx.families.has(family))
    .map(
      (family) =>
        `Service ${name} has ${family} and the DLX's Service has not: connections by ${family} would not be answered`,
    );
}

/** What observing asks of its caller: it writes nothing, sets no timer and begins no watch itself. */
export interface Wanted {
  /** Milliseconds until the facts may be others although nothing in the stores changes; Infinity: never. */
  againMs: number;
  /** What was seen, for the ages that {@link Dependencies.memory} keeps. */
  readonly seen: (readonly [key: string, value: string])[];
  /** Targets whose endpoints are to be watched. */
  watch: readonly Target[];
  /** Ports of the DLX on which not every ready address is known to listen. */
  readonly listen: Set<number>;
}

export function nothingWanted(): Wanted {
  return { againMs: Infinity, seen: [], watch: [], listen: new Set() };
}

type Keepers = Pick<Dependencies, 'memory' | 'watching' | 'dlx' | 'enqueue'>;

/** Does what observing asked for. True: a watch was begun, which knows something at once, so observing again may tell more. */
export function provide(
  { memory, watching, dlx, enqueue }: Keepers,
  { ref }: Pick<Snapshot, 'ref'>,
  wanted: Wanted,
): boolean {
  for (const [key, value] of wanted.seen) memory.observe(key, value);
  dlx?.findListening([...wanted.listen]);
  if (wanted.againMs < Infinity) enqueue(ref, wanted.againMs);
  return wanted.watch.length > 0 && watching.begin(ref, wanted.watch);
}

/** Observes the facts, and does what observing asks for. */
export function look(deps: Dependencies, snapshot: Snapshot): Facts {
  const { facts, wanted } = observe(deps, snapshot);
  if (!provide(deps, snapshot, wanted)) return facts;
  return observe(deps, snapshot).facts;
}
