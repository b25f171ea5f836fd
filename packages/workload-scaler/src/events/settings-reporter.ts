import { BoundedMap } from '@scaler/async';
import { digest } from '../workload/keys.ts';
import { fewOf } from '../workload/few-of.ts';
import type { ServiceInfo } from '../routing/service-info.ts';
import { resourceKey, pauseText } from '@scaler/scaler-types';
import { type EventReason, pointOut } from './announce.ts';
import type { Dependencies } from '../dependencies.ts';
import type { Lookup, Managed } from '../cache/lookup.ts';
import type { NamespaceInfo } from '../cache/namespaces.ts';
import { routingMode } from '../machine/divertible.ts';
import { hostsOf } from '../status/resource.ts';
import type { RoutingMode } from '../machine/facts.ts';
import { protocolOf, type TcpPort } from '../ports/protocol.ts';
import { hasSetting, type SettingName } from '../config/settings.ts';

/** So many findings about one workload or namespace get an Event, the others are counted: one write may cause thousands. */
const mostFindings = 5;
const mostBytes = 4 * 1024 * 1024;

type Finding = readonly [reason: EventReason, message: string];

/** Tells the owner of a workload what is wrong with its settings, once as long as nothing changes. */
export function createSettingsReporter(deps: Dependencies) {
  const reported = new BoundedMap<string>({ mostBytes });
  return (managed: Managed, services: readonly ServiceInfo[]): void => {
    const findings = fewOfThem(findingsOf(deps, managed, services));
    const { namespace, uid } = managed.workload;
    const key = resourceKey(managed.workload);
    const text = digest(JSON.stringify([uid, findings]));
    if (findings.length > 0 && reported.get(key) === text) return;
    if (findings.length === 0) reported.delete(key);
    else reported.set(key, text, namespace, 2 * key.length + 100);
    for (const [reason, message] of findings) pointOut(deps, managed, reason, message);
  };
}

function fewOfThem(all: readonly Finding[]): readonly Finding[] {
  const [first] = all.slice(mostFindings);
  if (first === undefined) return all;
  const more = `${all.length - mostFindings} more of its settings are wrong, unknown or without effect`;
  return [...all.slice(0, mostFindings), [first[0], more]];
}

/** Tells what is wrong with a namespace's defaults, once for each version of them. */
export function createNamespaceReporter({ namespaces, announce, warnOwner }: Dependencies) {
  const reported = new WeakSet<NamespaceInfo>();
  return (name: string): void => {
    const namespace = namespaces.get(name);
    if (namespace === undefined || reported.has(namespace)) return;
    reported.add(namespace);
    for (const [reason, message] of fewOfThem(namespace.problems.map((one) => ['InvalidSetting', one.message]))) {
      announce(namespace, reason, message);
      warnOwner(name, 'A namespace needs its owner', { namespace: name, reason, message });
    }
  };
}

function findingsOf(
  { lookup, options }: Dependencies,
  managed: Managed,
  services: readonly ServiceInfo[],
): readonly Finding[] {
  const { workload, settings, problems } = managed;
  const ingresses = settings.hosts.length > 0 ? lookup.acceptedIngresses(managed, services) : [];
  const httpRoutes = lookup.httpRoutesOf(managed, services);
  const { refused } = hostsOf({ managed, ingresses, httpRoutes }, options);
  const mode = routingMode(settings, services, workload);
  const invalid = problems.map(({ message }) => message);
  if (refused.length > 0) {
    invalid.push(
      `scaler/hosts: no Ingress or HTTPRoute of the namespace has ${fewOf(refused)}, and no admin allows it`,
    );
  }
  const leading = httpRoutes.filter((route) => services.some(({ name }) => route.services.includes(name)));
  const withoutEffect = [
    ...leading.flatMap((route) => route.problems),
    ...unacceptedIngresses(lookup, services),
    ...settingsWithoutEffect(managed, mode),
    ...portsWithoutEffect(managed, services),
  ];
  const bare = mode === 'overlay' && !workload.template.preStop;
  const preStop = 'its pods have no preStop delay: a new connection may reach a dying pod when it is parked';
  const { scratch } = workload.template;
  const files = `what its pods write to the volume ${fewOf(scratch)} goes with them, or stays on their node, whenever it sleeps`;
  return [
    ...invalid.map((message): Finding => ['InvalidSetting', message]),
    ...withoutEffect.map((message): Finding => ['NoEffect', message]),
    ...(bare ? ([['NoPreStop', preStop]] as const) : []),
    ...(scratch.length > 0 ? ([['LosesFiles', files]] as const) : []),
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
  const forHttp = (['hosts', 'response-timeout', 'upstream-keep-alive'] as const).filter(
    (name) => has(name) && isEvery('tcp'),
  );
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
    ...(['connect-timeout', 'response-timeout', 'idle-timeout', 'upstream-keep-alive'] as const),
  ],
  'as-is': [...neverParked, 'dry-run', 'replicas', 'follow-zero'],
};
