import { BoundedMap } from '@scaler/async';
import { digest } from '../workload/keys.ts';
import { fewOf } from '../workload/few-of.ts';
import type { ServiceInfo } from '../routing/service-info.ts';
import { resourceKey, pauseText } from '@scaler/scaler-types';
import type { EventReason } from './announce.ts';
import type { Dependencies } from '../dependencies.ts';
import type { Lookup, Managed } from '../cache/lookup.ts';
import type { NamespaceInfo } from '../cache/namespaces.ts';
import { routingMode } from '../machine/divertible.ts';
import { hostsOf } from '../status/resource.ts';
import type { RoutingMode } from '../machine/facts.ts';
import { protocolOf, type TcpPort } from '../ports/protocol.ts';
import { hasSetting, type SettingName } from '../config/settings.ts';

/** So many problems of one workload or namespace get an Event, the others are counted: one write may cause thousands. */
const mostComplaints = 5;
const toldBytes = 4 * 1024 * 1024;

type Complaint = readonly [reason: EventReason, message: string];

/** Tells the owner of a workload what is wrong with its settings, once as long as nothing changes. */
export function createSettingsReporter(
  deps: Dependencies,
): (managed: Managed, services: readonly ServiceInfo[]) => void {
  const told = new BoundedMap<string>({ mostBytes: toldBytes });
  return (managed, services) => {
    const complaints = fewComplaints(complaintsOf(deps, managed, services));
    const { namespace, uid } = managed.workload;
    const key = resourceKey(managed.workload);
    const text = digest(JSON.stringify([uid, complaints]));
    if (complaints.length > 0 && told.get(key) === text) return;
    if (complaints.length === 0) told.delete(key);
    else told.set(key, text, namespace, 2 * key.length + 100);
    for (const [reason, message] of complaints) {
      deps.announce(managed, reason, message);
      deps.warnOwner(namespace, 'A workload needs its owner', { resource: key, reason, message });
    }
  };
}

function fewComplaints(all: readonly Complaint[]): readonly Complaint[] {
  const [first] = all.slice(mostComplaints);
  if (first === undefined) return all;
  const more = `${all.length - mostComplaints} more of its settings are wrong, unknown or without effect`;
  return [...all.slice(0, mostComplaints), [first[0], more]];
}

/** Tells what is wrong with a namespace's defaults, once for each version of them. */
export function createNamespaceReporter({
  namespaces,
  announceNamespace,
  warnOwner,
}: Dependencies): (name: string) => void {
  const told = new WeakSet<NamespaceInfo>();
  return (name) => {
    const namespace = namespaces.get(name);
    if (namespace === undefined || told.has(namespace)) return;
    told.add(namespace);
    const complaints = namespace.problems.map(({ message }): Complaint => ['InvalidSetting', message]);
    for (const [reason, message] of fewComplaints(complaints)) {
      announceNamespace(namespace, reason, message);
      warnOwner(name, 'A namespace needs its owner', { namespace: name, reason, message });
    }
  };
}

function complaintsOf(
  { lookup, options }: Dependencies,
  managed: Managed,
  services: readonly ServiceInfo[],
): readonly Complaint[] {
  const { workload, settings, problems } = managed;
  const ingresses = settings.hosts.length > 0 ? lookup.acceptedIngresses(managed, services) : [];
  const httpRoutes = lookup.httpRoutesOf(managed, services);
  const hosts = hostsOf({ managed, ingresses, httpRoutes }, options).refused;
  const mode = routingMode(settings, services, workload);
  const bare = mode === 'overlay' && !workload.template.preStop;
  return [
    ...problems.map(({ message }) => ['InvalidSetting', message] as const),
    ...(hosts.length === 0
      ? []
      : [
          [
            'InvalidSetting',
            `scaler/hosts: no Ingress or HTTPRoute of the namespace has ${fewOf(hosts)}, and no admin allows it`,
          ] as const,
        ]),
    ...httpRoutes
      .filter(({ services: named }) => services.some(({ name }) => named.includes(name)))
      .flatMap(({ problems: left }) => left.map((message) => ['NoEffect', message] as const)),
    ...unacceptedIngresses(lookup, services).map((message) => ['NoEffect', message] as const),
    ...settingsWithoutEffect(managed, mode).map((message) => ['NoEffect', message] as const),
    ...portsWithoutEffect(managed, services).map((message) => ['NoEffect', message] as const),
    ...(bare
      ? [
          [
            'NoPreStop',
            'its pods have no preStop delay: a new connection may reach a dying pod when it is parked',
          ] as const,
        ]
      : []),
  ];
}

function unacceptedIngresses(lookup: Lookup, services: readonly ServiceInfo[]): readonly string[] {
  const named = new Set(services.flatMap((service) => lookup.ingressesOf(service)));
  return [...named].flatMap((ingress) => {
    const problem = lookup.classes.ingressProblem(ingress);
    return problem === undefined ? [] : [`${problem}: it names nothing on the DLX's shared port`];
  });
}

/**
 * Settings of the workload itself that change nothing where they stand, each as a sentence. Defaults of its namespace are
 * meant for others too; a pause that ends is no reason, since what it outweighs matters then. Pure.
 */
export function settingsWithoutEffect({ workload, settings }: Managed, mode: RoutingMode): readonly string[] {
  const { pause, minAwakeMs, cooldownMs } = settings;
  const because = new Map<SettingName, string>();
  if (mode !== 'always') because.set('idle-after', `its routing is ${mode}, where only metrics tell that it is idle`);
  if (minAwakeMs !== undefined && cooldownMs !== undefined && minAwakeMs <= cooldownMs) {
    because.set('min-awake', 'its cooldown is no shorter');
  }
  if (settings.dryRun) because.set('veto', 'it is a dry run, in which no veto is asked');
  if (pause !== undefined && pause.until === undefined) {
    for (const name of outweighed[pause.mode]) because.set(name, `it is ${pauseText(pause)} without an end`);
  }
  return [...because]
    .filter(([name]) => hasSetting(workload.annotations, name))
    .map(([name, why]) => `scaler/${name} has no effect: ${why}`);
}

/** Settings of the workload itself that are for ports, or for protocols, that none of its Services has. Pure. */
export function portsWithoutEffect(
  { workload, settings }: Pick<Managed, 'workload' | 'settings'>,
  services: readonly ServiceInfo[],
): readonly string[] {
  const { tcpPorts } = settings;
  const ports = services.flatMap((service) => service.ports);
  if (ports.length === 0) return [];
  const has = (name: SettingName): boolean => hasSetting(workload.annotations, name);
  const known = new Set<TcpPort['port'] | undefined>(ports.flatMap(({ port, name }) => [port, name]));
  const named = has('tcp-ports') ? tcpPorts.filter(({ port }) => !known.has(port)) : [];
  const quiet = has('quiet') ? settings.quiet.filter((rule) => rule.port !== undefined && !known.has(rule.port)) : [];
  const isEvery = (wanted: string): boolean => ports.every((port) => protocolOf(port, tcpPorts).protocol === wanted);
  const forHttp = (['hosts', 'response-timeout'] as const).filter((name) => has(name) && isEvery('tcp'));
  const forRaw = (['proxy-protocol'] as const).filter((name) => has(name) && isEvery('http'));
  return [
    ...unknownPorts('tcp-ports', named),
    ...unknownPorts('quiet', quiet),
    ...forHttp.map((name) => `scaler/${name} has no effect: every port of its Services is raw TCP`),
    ...forRaw.map((name) => `scaler/${name} has no effect: every port of its Services speaks HTTP`),
  ];
}

function unknownPorts(name: SettingName, of: readonly { readonly port?: number | string }[]): string[] {
  if (of.length === 0) return [];
  return [`scaler/${name}: none of its Services has a port ${fewOf(of.map(({ port }) => String(port)))}`];
}

const neverParked: readonly SettingName[] = ['metrics', 'idle-after', 'cooldown', 'min-awake', 'busy-until', 'veto'];
const outweighed: Readonly<Record<'awake' | 'asleep' | 'as-is', readonly SettingName[]>> = {
  awake: [...neverParked, 'dry-run'],
  asleep: [
    ...(['metrics', 'idle-after', 'replicas', 'hold-timeout', 'hold-limit'] as const),
    ...(['connect-timeout', 'response-timeout', 'idle-timeout'] as const),
  ],
  'as-is': [...neverParked, 'dry-run', 'replicas', 'follow-zero'],
};
