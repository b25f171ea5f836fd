import { keyOf, type MakeControl } from './controller.ts';
import { type AnyObject, type NewObject, toTimestamp } from '../../api/object.ts';
import { controllerReference, hasLabels, isFinished, isReady, sameJson } from '../object-state.ts';
import {
  type Endpoint,
  type EndpointPort,
  type EndpointSlice,
  endpointSlices,
  type Pod,
  pods,
  type Service,
  services,
} from '../objects.ts';
import { randomSuffix } from './template-hash.ts';

const managedByLabel = 'endpointslice.kubernetes.io/managed-by';
export const serviceNameLabel = 'kubernetes.io/service-name';
const managedBy = 'endpointslice-controller.k8s.io';
const maxEndpoints = 100;

/** The content of one slice; `null`, as the API server gives it, for empty lists. */
interface Content {
  readonly ports: EndpointPort[] | null;
  readonly endpoints: Endpoint[] | null;
}

/** Services with a selector → EndpointSlices, of IPv4 addresses. */
export const controlEndpointSlices: MakeControl = ({ store, clock, enqueue }) => {
  const sync = (service: Service): void => {
    const { namespace, name } = service.metadata;
    const selector = service.spec.selector ?? {};
    // Slices that exist are left alone too: another manager takes them over.
    if (Object.keys(selector).length === 0 || service.spec.type === 'ExternalName') return;
    const selected = store
      .list<Pod>(pods, { namespace })
      .items.filter(
        (pod) => hasLabels(pod.metadata.labels, selector) && !isFinished(pod) && pod.status?.podIP !== undefined,
      );
    const own = store
      .list<EndpointSlice>(endpointSlices, { namespace })
      .items.filter(
        ({ metadata: { labels } }) => labels?.[serviceNameLabel] === name && labels[managedByLabel] === managedBy,
      );
    write(service, contents(service, selected), own);
  };

  const write = (service: Service, wanted: readonly Content[], own: readonly EndpointSlice[]): void => {
    const { namespace = '' } = service.metadata;
    const free = new Set(own);
    const pairs = wanted.map((content) => {
      const same = [...free].find((slice) => sameJson(slice.ports, content.ports));
      if (same) free.delete(same);
      return { content, slice: same };
    });
    for (const { content, slice } of pairs) {
      // A slice that would go is filled anew rather than deleted beside a new one.
      const target = slice ?? [...free][0];
      if (target) free.delete(target);
      if (target === undefined) store.create(endpointSlices, sliceOf(service, content, clock.now()));
      else if (!sameJson([target.ports, target.endpoints], [content.ports, content.endpoints])) {
        const annotations = { ...target.metadata.annotations, [triggerTime]: toTimestamp(clock.now()) };
        store.update(endpointSlices, { ...target, ...content, metadata: { ...target.metadata, annotations } });
      }
    }
    for (const slice of free) store.delete(endpointSlices, namespace, slice.metadata.name);
  };

  const labelsOf = new Map<string, Pod['metadata']['labels']>();
  const onPod = ({ metadata: { namespace, uid, labels } }: AnyObject, gone: boolean): void => {
    const before = labelsOf.get(uid);
    if (gone) labelsOf.delete(uid);
    else labelsOf.set(uid, labels);
    for (const service of store.list<Service>(services, { namespace }).items) {
      const selector = service.spec.selector ?? {};
      if (hasLabels(labels, selector) || hasLabels(before, selector)) enqueue(keyOf(service));
    }
  };

  return {
    reconcile(namespace, name) {
      const service = store.find<Service>(services, namespace, name);
      if (service !== undefined && service.metadata.deletionTimestamp === undefined) sync(service);
    },
    watch: () => [
      store.watch(services, ({ object }) => enqueue(keyOf(object))),
      store.watch(pods, ({ type, object }) => onPod(object, type === 'DELETED')),
      store.watch(endpointSlices, ({ object: { metadata } }) => {
        const { namespace = '', labels } = metadata;
        // Edited or deleted by hand: put right.
        if (labels?.[managedByLabel] === managedBy) enqueue(`${namespace}/${labels[serviceNameLabel] ?? ''}`);
      }),
    ],
  };
};

const triggerTime = 'endpoints.kubernetes.io/last-change-trigger-time';

function sliceOf(service: Service, content: Content, nowMs: number): NewObject {
  const { namespace = '', name, labels } = service.metadata;
  return {
    metadata: {
      name: `${name}-${randomSuffix()}`,
      generateName: `${name}-`,
      namespace,
      labels: {
        ...labels,
        [managedByLabel]: managedBy,
        [serviceNameLabel]: name,
        ...(service.spec.clusterIP === 'None' && { 'service.kubernetes.io/headless': '' }),
      },
      annotations: { [triggerTime]: toTimestamp(nowMs) },
      ownerReferences: [controllerReference(service)],
    },
    addressType: 'IPv4',
    ...content,
  };
}

/** One group of slices for each set of port numbers, as named ports may differ between pods; never none at all. */
function contents(service: Service, selected: readonly Pod[]): Content[] {
  const groups = new Map<string, { ports: EndpointPort[]; endpoints: Endpoint[] }>();
  for (const pod of selected) {
    const ports = portsFor(service, pod);
    const key = JSON.stringify(ports);
    const group = groups.get(key) ?? { ports, endpoints: [] };
    group.endpoints.push(endpointOf(service, pod));
    groups.set(key, group);
  }
  if (groups.size === 0) return [{ ports: null, endpoints: null }];
  return [...groups.values()].flatMap(({ ports, endpoints }) => {
    const count = Math.ceil(endpoints.length / maxEndpoints);
    return Array.from({ length: count }, (_, i) => ({
      ports,
      endpoints: endpoints.slice(i * maxEndpoints, (i + 1) * maxEndpoints),
    }));
  });
}

function portsFor(service: Service, pod: Pod): EndpointPort[] {
  return (service.spec.ports ?? []).flatMap(({ name = '', port, targetPort, protocol = 'TCP', appProtocol }) => {
    const number = resolvePort(targetPort ?? port, protocol, pod);
    if (number === undefined) return [];
    return [{ name, port: number, protocol, ...(appProtocol !== undefined && { appProtocol }) }];
  });
}

function resolvePort(target: number | string, protocol: string, pod: Pod): number | undefined {
  if (typeof target === 'number') return target;
  return pod.spec.containers
    .flatMap((container) => container.ports ?? [])
    .find((port) => port.name === target && (port.protocol ?? 'TCP') === protocol)?.containerPort;
}

function endpointOf(service: Service, pod: Pod): Endpoint {
  const { namespace = '', name, uid, deletionTimestamp } = pod.metadata;
  const serving = isReady(pod);
  const terminating = deletionTimestamp !== undefined;
  const ready = service.spec.publishNotReadyAddresses === true || (serving && !terminating);
  const { hostname, subdomain, nodeName } = pod.spec;
  return {
    addresses: [pod.status?.podIP ?? ''],
    conditions: { ready, serving, terminating },
    ...(hostname !== undefined && subdomain === service.metadata.name && { hostname }),
    ...(nodeName !== undefined && { nodeName }),
    targetRef: { kind: 'Pod', namespace, name, uid },
  };
}
