import type { ServiceInfo } from '@scaler/kube';
import { resourceKey } from '@scaler/scaler-types';
import type { EventReason } from './announce.ts';
import type { Ground } from './ground.ts';
import type { Managed } from './lookup.ts';
import type { NamespaceInfo } from './namespaces.ts';
import { routingMode } from './refusal.ts';
import { portsWithoutEffect, settingsWithoutEffect } from './no-effect.ts';
import { hostsOf } from './resources.ts';

/** Tells the owner of a workload what is wrong with its settings, once as long as nothing changes. */
export function createTeller(ground: Ground): (managed: Managed, services: readonly ServiceInfo[]) => void {
  const told = new Map<string, string>();
  return (managed, services) => {
    const complaints = complaintsOf(ground, managed, services);
    const key = resourceKey(managed.workload);
    const text = JSON.stringify([managed.workload.uid, complaints]);
    if (complaints.length > 0 && told.get(key) === text) return;
    if (complaints.length === 0) told.delete(key);
    else told.set(key, text);
    for (const [reason, message] of complaints) {
      ground.announce(managed, reason, message);
      ground.logger.warn('A workload needs its owner', { resource: key, reason, message });
    }
  };
}

/** Tells what is wrong with a namespace's defaults, once for each version of them. */
export function createNamespaceTeller({ namespaces, announceNamespace, logger }: Ground): (name: string) => void {
  const told = new WeakSet<NamespaceInfo>();
  return (name) => {
    const namespace = namespaces.get(name);
    if (namespace === undefined || told.has(namespace)) return;
    told.add(namespace);
    for (const { message } of namespace.problems) {
      announceNamespace(namespace, 'InvalidSetting', message);
      logger.warn('A namespace needs its owner', { namespace: name, reason: 'InvalidSetting', message });
    }
  };
}

function complaintsOf(
  { stores, lookup, options }: Ground,
  managed: Managed,
  services: readonly ServiceInfo[],
): readonly (readonly [EventReason, string])[] {
  const { workload, settings, problems } = managed;
  const ingresses = settings.hosts.length > 0 ? stores.ingresses.byIndex('namespace', workload.namespace) : [];
  const httpRoutes = lookup.httpRoutesOf(managed, services);
  const hosts = hostsOf({ managed, ingresses, httpRoutes }, options).refused;
  const mode = routingMode(settings, services);
  const bare = mode === 'overlay' && !workload.template.preStop;
  return [
    ...problems.map(({ message }) => ['InvalidSetting', message] as const),
    ...hosts.map(
      (host) =>
        [
          'InvalidSetting',
          `scaler/hosts: no Ingress or HTTPRoute of the namespace has "${host}", and no admin allows it`,
        ] as const,
    ),
    ...httpRoutes
      .filter(({ services: named }) => services.some(({ name }) => named.includes(name)))
      .flatMap(({ problems: left }) => left.map((message) => ['NoEffect', message] as const)),
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
