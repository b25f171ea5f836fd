import { gvrOf, type Kind } from '../kinds.ts';
import { isObject, type Json, jsonCopy, type JsonObject, type KubeObject, objectsIn } from '../object.ts';

/** Hands out a cluster IP for a Service that asks for none. */
export type AllocateClusterIp = () => string;

function setDefaults(target: JsonObject, defaults: JsonObject): void {
  for (const [name, value] of Object.entries(defaults)) target[name] ??= jsonCopy(value);
}

function defaultProbe(probe: Json | undefined): void {
  if (!isObject(probe)) return;
  if (isObject(probe.httpGet)) setDefaults(probe.httpGet, { path: '/', scheme: 'HTTP' });
  setDefaults(probe, { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 });
}

function defaultPodSpec(spec: Json | undefined): void {
  if (!isObject(spec)) return;
  for (const container of [...objectsIn(spec.containers), ...objectsIn(spec.initContainers)]) {
    for (const port of objectsIn(container.ports)) setDefaults(port, { protocol: 'TCP' });
    for (const probe of ['readinessProbe', 'livenessProbe', 'startupProbe']) defaultProbe(container[probe]);
    setDefaults(container, {
      resources: {},
      terminationMessagePath: '/dev/termination-log',
      terminationMessagePolicy: 'File',
      imagePullPolicy: /:(?!latest$)[^/]+$/.test(String(container.image)) ? 'IfNotPresent' : 'Always',
    });
  }
  setDefaults(spec, {
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    securityContext: {},
    schedulerName: 'default-scheduler',
  });
}

function defaultTemplate(spec: JsonObject): void {
  if (isObject(spec.template)) defaultPodSpec(spec.template.spec);
}

function defaultDeployment(spec: JsonObject): void {
  setDefaults(spec, { replicas: 1, strategy: {}, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 });
  const strategy = spec.strategy as JsonObject;
  setDefaults(strategy, { type: 'RollingUpdate' });
  if (strategy.type === 'RollingUpdate') setDefaults(strategy, { rollingUpdate: {} });
  if (isObject(strategy.rollingUpdate)) setDefaults(strategy.rollingUpdate, { maxUnavailable: '25%', maxSurge: '25%' });
  defaultTemplate(spec);
}

function defaultStatefulSet(spec: JsonObject): void {
  setDefaults(spec, {
    replicas: 1,
    podManagementPolicy: 'OrderedReady',
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
    revisionHistoryLimit: 10,
    persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
  });
  defaultTemplate(spec);
}

function defaultService(spec: JsonObject, allocate: AllocateClusterIp): void {
  for (const port of objectsIn(spec.ports)) {
    setDefaults(port, { protocol: 'TCP' });
    setDefaults(port, { targetPort: port.port ?? 0 });
  }
  if (isObject(spec.selector) && Object.keys(spec.selector).length === 0) delete spec.selector;
  setDefaults(spec, { type: 'ClusterIP', sessionAffinity: 'None' });
  if (spec.type === 'ExternalName') return;
  if (spec.clusterIP === undefined || spec.clusterIP === '') spec.clusterIP = allocate();
  setDefaults(spec, {
    clusterIPs: [spec.clusterIP],
    ipFamilies: ['IPv4'],
    ipFamilyPolicy: 'SingleStack',
    internalTrafficPolicy: 'Cluster',
  });
}

function defaultEndpointSlice(slice: KubeObject): void {
  for (const port of objectsIn(slice.ports)) setDefaults(port, { name: '', protocol: 'TCP' });
  for (const endpoint of objectsIn(slice.endpoints)) setDefaults(endpoint, { conditions: {} });
  // The real server writes both even when they are empty, and then as null.
  for (const list of ['endpoints', 'ports'])
    if (!Array.isArray(slice[list]) || slice[list].length === 0) slice[list] = null;
}

function defaultEvent(event: KubeObject): void {
  event.source ??= {};
  for (const time of ['firstTimestamp', 'lastTimestamp', 'eventTime']) event[time] ??= null;
  event.reportingComponent ??= '';
  event.reportingInstance ??= '';
}

function defaultNamespace(object: KubeObject): void {
  object.spec ??= { finalizers: ['kubernetes'] };
  object.status ??= { phase: 'Active' };
  object.metadata.labels = { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name };
}

/** Sets the defaults of the real server, as far as scaler's clients see them. Changes `object`. */
export function applyDefaults(kind: Kind, object: KubeObject, allocate: AllocateClusterIp): void {
  const gvr = gvrOf(kind);
  const spec = isObject(object.spec) ? object.spec : undefined;
  for (const map of ['labels', 'annotations', 'finalizers', 'ownerReferences'] as const) {
    const value = object.metadata[map];
    if (value === null || (value !== undefined && Object.keys(value).length === 0)) delete object.metadata[map];
  }
  if (gvr === 'v1/namespaces') defaultNamespace(object);
  if (gvr === 'v1/events') defaultEvent(object);
  if (gvr === 'discovery.k8s.io/v1/endpointslices') defaultEndpointSlice(object);
  if (spec === undefined) return;
  if (gvr === 'v1/pods') defaultPodSpec(spec);
  if (gvr === 'v1/services') defaultService(spec, allocate);
  if (gvr === 'apps/v1/deployments') defaultDeployment(spec);
  if (gvr === 'apps/v1/statefulsets') defaultStatefulSet(spec);
  if (gvr === 'apps/v1/replicasets') {
    setDefaults(spec, { replicas: 1 });
    defaultTemplate(spec);
  }
}

const initialStatuses: Readonly<Record<string, JsonObject>> = {
  'v1/pods': { phase: 'Pending', qosClass: 'BestEffort' },
  'v1/services': { loadBalancer: {} },
  'networking.k8s.io/v1/ingresses': { loadBalancer: {} },
  'apps/v1/statefulsets': { replicas: 0, availableReplicas: 0 },
  'apps/v1/replicasets': { replicas: 0 },
  'apps/v1/deployments': {},
};

/** The status of a new object: the creator's own is dropped, but for nodes. */
export function initialStatus(kind: Kind, object: KubeObject): void {
  const gvr = gvrOf(kind);
  if (kind.hasStatus !== true || gvr === 'v1/nodes') return;
  delete object.status;
  const status = initialStatuses[gvr];
  if (status !== undefined) object.status = jsonCopy(status);
}
