import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { type FakeApi, type FakeApiOptions, gatewayKinds, startFakeApi } from '@scaler/testing-kit/kubernetes';
import { connectKube } from '@scaler/kube';
import {
  type Clock,
  type Logger,
  type Resource,
  resourceKey,
  type ResourceScaler,
  type Route,
  systemClock,
} from '@scaler/scaler-types';
import { silentLogger } from '@scaler/testing-kit';
import { createScaler } from './scaler.ts';
import { bothKinds } from './testing/kinds.ts';

const namespace = 'shop';
const httpRoutes = 'gateway.networking.k8s.io/v1/httproutes';
const gateways = 'gateway.networking.k8s.io/v1/gateways';
// Minutes until a missing kind is looked for again.
const hastyClock: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 50), signal) };

let stop: (() => Promise<void>) | undefined;
afterEach(async () => {
  await stop?.();
  stop = undefined;
});

/** A scaler on a fake API with one workload, its Service and whatever it is told of. */
async function start(
  options: FakeApiOptions = {},
  { role = 'dlx', logger = silentLogger }: { role?: 'autoscaler' | 'dlx'; logger?: Logger } = {},
) {
  const api = await startFakeApi({ bookmarkIntervalMs: 100, ...options });
  workload(api);
  const folder = await mkdtemp(join(tmpdir(), 'gateway-api-'));
  const kubeconfig = join(folder, 'config');
  await writeFile(kubeconfig, api.kubeconfig());
  const client = await connectKube({ kubeconfig, userAgent: 'test', logger: silentLogger });
  const scaler = createScaler(
    client,
    {
      ...{ role, identity: 'test', options: {}, logger, clock: hastyClock },
      ...{ namespaces: undefined, dlxService: undefined },
    },
    bothKinds,
  );
  const told = follow(scaler);
  stop = async () => {
    await told.end();
    await scaler.close?.();
    await api.close();
    await rm(folder, { recursive: true });
  };
  return { api, until: told.until, blocked: told.blocked };
}

function workload({ store }: FakeApi): void {
  const labels = { app: 'web' };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'app', image: 'i' }] } };
  store.create('v1/namespaces', { metadata: { name: namespace } });
  store.create('apps/v1/deployments', {
    metadata: {
      ...{ namespace, name: 'web', labels: { 'scaler/enabled': 'true' } },
      annotations: { 'scaler/hosts': 'deep.in.shop.example.com' },
    },
    spec: { replicas: 0, selector: { matchLabels: labels }, template },
  });
  store.create('v1/services', {
    metadata: { namespace, name: 'web' },
    spec: { selector: labels, ports: [{ port: 80 }] },
  });
}

function httpRoute({ store }: FakeApi, spec: object = {}): void {
  store.create(httpRoutes, {
    metadata: { namespace, name: 'front' },
    spec: {
      parentRefs: [{ name: 'public', namespace: 'infra' }],
      hostnames: ['shop.example.com'],
      rules: [{ matches: [{ path: { type: 'PathPrefix', value: '/a' } }], backendRefs: [{ name: 'web', port: 80 }] }],
      ...spec,
    },
  });
}

function gateway({ store }: FakeApi, hostname: string): void {
  store.create('v1/namespaces', { metadata: { name: 'infra' } });
  const listeners = [{ name: 'https', port: 443, protocol: 'HTTPS', hostname }];
  store.create(gateways, { metadata: { namespace: 'infra', name: 'public' }, spec: { listeners } });
}

/** What the scaler tells of the workload's routes, and a wait for what it should tell. */
function follow(scaler: ResourceScaler) {
  const done = new AbortController();
  let told: Resource | undefined;
  let look = (): void => undefined;
  const running = scaler.watchResources!((change) => {
    if (change.type === 'set' && resourceKey(change.resource) === `${namespace}/web`) told = change.resource;
    look();
  }, done.signal);
  const when = (holds: (resource: Resource) => boolean): Promise<void> =>
    new Promise((resolve) => {
      look = () => {
        if (told !== undefined && holds(told)) resolve();
      };
      look();
    });
  return {
    until: (wanted: readonly Route[]) => when((one) => JSON.stringify(routesOf(one)) === JSON.stringify(wanted)),
    blocked: (why: RegExp) => when((one) => why.test(one.blocked ?? '')),
    end: async () => {
      done.abort();
      await running;
    },
  };
}

/** Resolves when HTTPRoutes were asked for so often. */
function looks({ audit }: FakeApi, count: number): Promise<void> {
  return new Promise((resolve) => {
    const off = audit.onEntry(() => {
      if (audit.entries({ gvr: httpRoutes }).length < count) return;
      off();
      resolve();
    });
  });
}

const routesOf = ({ targets }: Resource): readonly Route[] => targets.flatMap((target) => target.routes ?? []);
const onPath = (host: string): Route => ({ host, path: '/a', pathType: 'Prefix' });

test('a route names the resource, on the hosts of its Gateway where it has none, until it goes', async () => {
  const { api, until } = await start({ kinds: gatewayKinds });
  httpRoute(api, { hostnames: [] });
  gateway(api, 'shop.example.com');
  await until([onPath('shop.example.com')]);
  const listeners = [{ name: 'https', port: 443, protocol: 'HTTPS', hostname: '*.shop.example.com' }];
  api.store.patch(gateways, 'infra', 'public', { type: 'merge', body: { spec: { listeners } } });
  // A host of its own, however deep, now that a route of the namespace has it.
  await until([onPath('*.shop.example.com'), { host: 'deep.in.shop.example.com' }]);
  api.store.delete(httpRoutes, namespace, 'front');
  await until([]);
});

test('a host is claimed by a route that leads elsewhere, to the DLX for instance', async () => {
  const { api, until } = await start({ kinds: gatewayKinds });
  const rules = [{ backendRefs: [{ name: 'dlx', namespace: 'scaler-system', port: 80 }] }];
  await until([]);
  httpRoute(api, { hostnames: ['*.shop.example.com'], rules });
  await until([{ host: 'deep.in.shop.example.com' }]);
});

test('where Gateway API is missing nothing is amiss, and it is found soon after it is installed', async () => {
  const lines: string[] = [];
  const keep = (message: string, fields?: object): void => void lines.push(`${message} ${JSON.stringify(fields)}`);
  const logger: Logger = { ...silentLogger, info: keep, warn: keep, error: keep, child: () => logger };
  const { api, until } = await start({}, { logger });
  await until([]);
  await looks(api, 3);
  const [line, ...more] = lines;
  expect(line).toMatch(/^Kinds are not installed.*httproutes\.gateway\.networking\.k8s\.io.*gateways\./);
  expect(more).toEqual([]);
  for (const kind of gatewayKinds) api.store.register(kind);
  httpRoute(api);
  await until([onPath('shop.example.com')]);
});

test('where it may not be read it is as if it were not there', async () => {
  const { api, until } = await start({
    kinds: gatewayKinds,
    authorize: ({ group }) => group !== 'gateway.networking.k8s.io',
  });
  httpRoute(api);
  await until([]);
});

test('a target group of AWS keeps it awake as long as its targets are pods, also where the controller comes later', async () => {
  const { api, blocked } = await start({}, { role: 'autoscaler' });
  await blocked(/^no DLX Service is named/);
  const gvr = 'elbv2.k8s.aws/v1beta1/targetgroupbindings';
  api.store.register({
    ...{ group: 'elbv2.k8s.aws', version: 'v1beta1', resource: 'targetgroupbindings', kind: 'TargetGroupBinding' },
    ...{ namespaced: true, custom: true },
  });
  const spec = { targetType: 'ip', serviceRef: { name: 'web', port: 80 } };
  api.store.create(gvr, { metadata: { namespace, name: 'k8s-web' }, spec });
  await blocked(/^TargetGroupBinding k8s-web has targetType ip/);
  api.store.delete(gvr, namespace, 'k8s-web');
  await blocked(/^no DLX Service is named/);
});
