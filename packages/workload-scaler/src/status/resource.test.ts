import { expect, test } from '@jest/globals';
import type { Deployment } from '@scaler/kube';
import { trimDeployment, workloadKinds } from '../testing/kinds.ts';
import { workloadTrimmer } from '../workload/workload.ts';
import { trimService } from '../routing/service-info.ts';
import { trimIngress } from '../hosts/ingress.ts';
import type { Managed } from '../cache/lookup.ts';
import { parseOptions } from '../config/options.ts';
import { hostsOf, type ResourceFacts, resourceOf } from './resource.ts';
import { parseSettings } from '../config/settings.ts';

const options = parseOptions({ allowHosts: '*.free.example.com' });

function managed(annotations: Record<string, string> = {}, labels: Record<string, string> = {}): Managed {
  const object: Deployment = {
    metadata: {
      namespace: 'shop',
      name: 'web',
      uid: 'u',
      labels: { 'scaler/enabled': 'true', ...labels },
      annotations,
    },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } } },
    },
  };
  const workload = trimDeployment(object);
  return { kind: workloadKinds.deployment, workload, ...parseSettings(workload.annotations, options) };
}

const service = trimService({
  metadata: { namespace: 'shop', name: 'web', uid: 's' },
  spec: {
    selector: { app: 'web' },
    ports: [
      { name: 'admin', port: 9000 },
      { name: 'http', port: 80 },
      { name: 'dns', port: 53, protocol: 'UDP' },
    ],
  },
});

const ingress = trimIngress({
  metadata: { namespace: 'shop', name: 'front' },
  spec: {
    rules: [
      {
        host: 'Shop.example.com',
        http: {
          paths: [
            { path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } } },
            { path: '/admin', pathType: 'Exact', backend: { service: { name: 'web', port: { name: 'admin' } } } },
            { path: '/other', pathType: 'Prefix', backend: { service: { name: 'else', port: { number: 80 } } } },
          ],
        },
      },
      {
        host: '*.wild.example.com',
        http: {
          paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'else', port: { number: 80 } } } }],
        },
      },
    ],
    defaultBackend: { service: { name: 'web', port: { number: 80 } } },
  },
});

const facts = (one: Managed, change: Partial<ResourceFacts> = {}): ResourceFacts => ({
  managed: one,
  services: [service],
  ingresses: [ingress],
  httpRoutes: [],
  mode: 'selector',
  blocked: undefined,
  divertedForMs: -1,
  updatedMs: undefined,
  ...change,
});

test('a resource tells its targets with ports and routes, and its last scale event', () => {
  const state = { epoch: 'e', uid: 'u', since: '2026-01-01T00:00:00Z', replicas: 2, by: 'x', reason: 'idle' };
  const labels = { 'scaler/phase': 'asleep', 'scaler/epoch': 'e', 'scaler/port-web-80': '20017' };
  const resource = resourceOf(
    facts(managed({ 'scaler/state': JSON.stringify(state), 'scaler/metrics': 'requests_per_5m<=0' }, labels)),
    options,
  );
  expect(resource).toEqual({
    namespace: 'shop',
    name: 'web',
    kind: 'deployments.apps',
    scaleResources: [{ metricName: 'requests', windowSize: 300_000, threshold: 0 }],
    targets: [
      {
        service: 'web',
        port: 9000,
        portName: 'admin',
        routes: [{ host: 'shop.example.com', path: '/admin', pathType: 'Exact' }],
      },
      {
        ...{ service: 'web', port: 80, portName: 'http', listenPort: 20_017, protocol: 'http' },
        routes: [{ host: 'shop.example.com', path: '/', pathType: 'Prefix' }, { host: '*' }],
      },
    ],
    phase: 'asleep',
    replicas: 2,
    lastScaleEvent: 'scaleToZeroCompleted',
    lastScaleEventTime: '2026-01-01T00:00:00.000Z',
  });
  expect(JSON.parse(JSON.stringify(resource))).toEqual(resource);
});

test('a raw port tells who speaks first and how an endpoint hears of its client; HTTP has other words for that', () => {
  const annotations = { 'scaler/tcp-ports': 'admin=server', 'scaler/proxy-protocol': 'v2' };
  const { targets } = resourceOf(facts(managed(annotations), { ingresses: [] }), options);
  expect(targets).toEqual([
    {
      ...{ service: 'web', port: 9000, portName: 'admin' },
      ...{ protocol: 'tcp', speaksFirst: 'server', proxyProtocol: 'v2' },
    },
    { service: 'web', port: 80, portName: 'http', protocol: 'http' },
  ]);
});

test('awake, it tells since when, and of an update that came later, which begins a cooldown', () => {
  const since = '2026-01-01T00:00:00.000Z';
  const updated = '2026-01-02T00:00:00.000Z';
  const tell = (phase: string, updatedMs: number | undefined) => {
    const state = { epoch: 'e', uid: 'u', since, replicas: 2, by: 'x', reason: 'its pods serve again' };
    const labels = { 'scaler/phase': phase, 'scaler/epoch': 'e' };
    const one = managed({ 'scaler/state': JSON.stringify(state) }, labels);
    const { awakeSince, lastScaleEvent, lastScaleEventTime } = resourceOf(facts(one, { updatedMs }), options);
    return [awakeSince, lastScaleEvent, lastScaleEventTime];
  };
  expect(tell('awake', undefined)).toEqual([since, 'scaleFromZeroCompleted', since]);
  expect(tell('awake', Date.parse(updated))).toEqual([since, 'resourceUpdated', updated]);
  expect(tell('awake', Date.parse(since) - 1)).toEqual([since, 'scaleFromZeroCompleted', since]);
  expect(tell('asleep', Date.parse(updated))).toEqual([undefined, 'scaleToZeroCompleted', since]);
});

test('what its owner wants is shown as it is, and nothing of it where nothing is wanted', () => {
  const annotations = {
    'scaler/min-awake': '10m',
    'scaler/pause': 'as-is until 2026-12-01T08:00:00Z',
    'scaler/busy-until': '2026-12-01T09:00:00+01:00',
    'scaler/dry-run': 'true',
  };
  const wanted = {
    minAwakeMs: 600_000,
    pause: { mode: 'as-is', until: '2026-12-01T08:00:00.000Z' },
    busyUntil: '2026-12-01T08:00:00.000Z',
    dryRun: true,
  };
  expect(resourceOf(facts(managed(annotations)), options)).toMatchObject(wanted);
  const names = Object.keys(resourceOf(facts(managed({ 'scaler/dry-run': 'false' })), options));
  expect(names.filter((name) => name in wanted)).toEqual([]);
});

test('a StatefulSet says that it is one, so that its own metrics are asked for', () => {
  const kind = workloadKinds.statefulSet;
  const { resource } = workloadTrimmer(kind)({});
  const one: Managed = { ...managed(), kind, workload: { ...managed().workload, resource } };
  expect(resourceOf(facts(one), options)).toMatchObject({ kind: 'statefulsets.apps' });
});

test('limits of its own are shown as they are, and no others', () => {
  const annotations = {
    'scaler/hold-timeout': '30s',
    'scaler/connect-timeout': '250ms',
    'scaler/response-timeout': '0',
    'scaler/idle-timeout': '10m',
    'scaler/hold-limit': '5',
    'scaler/cooldown': '0',
  };
  const own = {
    ...{ holdTimeoutMs: 30_000, connectTimeoutMs: 250, responseTimeoutMs: 86_400_000, idleTimeoutMs: 600_000 },
    ...{ holdLimit: 5, cooldownMs: 0 },
  };
  expect(resourceOf(facts(managed(annotations)), options)).toMatchObject(own);
  const names = Object.keys(resourceOf(facts(managed()), options));
  expect(names.filter((name) => name in own)).toEqual([]);
});

test('the DLX sees all only once nothing has passed it by for a whole idle time', () => {
  const always = (divertedForMs: number) =>
    resourceOf(facts(managed({ 'scaler/idle-after': '1m' }), { mode: 'always', divertedForMs }), options);
  expect(always(-1)).toMatchObject({ idleAfterMs: 60_000, dlxSeesAll: false });
  expect(always(59_999)).toMatchObject({ dlxSeesAll: false });
  expect(always(60_000)).toMatchObject({ dlxSeesAll: true });
  expect(resourceOf(facts(managed(), { divertedForMs: 60_000 }), options)).not.toHaveProperty('dlxSeesAll');
});

test('scaler/hosts lead to the web port, and only where the namespace has a claim to them', () => {
  const one = managed({
    'scaler/hosts': 'shop.example.com,a.wild.example.com,b.c.wild.example.com,x.free.example.com,bank.example.com',
  });
  expect(hostsOf(facts(one), options)).toEqual({
    allowed: ['shop.example.com', 'a.wild.example.com', 'x.free.example.com'],
    refused: ['b.c.wild.example.com', 'bank.example.com'],
  });
  const [, web] = resourceOf(facts(one, { ingresses: [] }), options).targets;
  expect(web?.routes).toEqual([{ host: 'x.free.example.com' }]);
});

test('what keeps it from being parked is said', () => {
  expect(resourceOf(facts(managed(), { blocked: 'it is shared' }), options)).toMatchObject({ blocked: 'it is shared' });
  expect(resourceOf(facts(managed()), options)).not.toHaveProperty('blocked');
});
