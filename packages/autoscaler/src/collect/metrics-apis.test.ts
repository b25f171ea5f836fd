import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type FakeApi, startFakeApi } from '@scaler/testing-kit/kubernetes';
import { connectKube, createCustomMetricsClient, createExternalMetricsClient, type KubeClient } from '@scaler/kube';
import { type Resource, type ScaleResource, systemClock } from '@scaler/scaler-types';
import { silentLogger } from '@scaler/testing-kit';
import { aResource, wantSettings } from '../testing/facts.ts';
import { collect } from './collect.ts';
import { createCustomMetricsSource, createExternalMetricsSource } from './metrics-apis.ts';
import { wantsOf } from './want.ts';

const signal = new AbortController().signal;
let api: FakeApi;
let kube: KubeClient;
let folder: string;

beforeAll(async () => {
  api = await startFakeApi();
  folder = await mkdtemp(join(tmpdir(), 'scaler-metrics-'));
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(kubeconfig, api.kubeconfig());
  kube = await connectKube({ kubeconfig, userAgent: 'test', logger: silentLogger });
  const template = { metadata: { labels: { app: 'x' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  const spec = { selector: { matchLabels: { app: 'x' } }, serviceName: 'x', template };
  for (const kind of ['deployments', 'statefulsets']) {
    for (const name of ['web', 'api']) {
      api.store.create(`apps/v1/${kind}`, { metadata: { name, namespace: 'default' }, spec });
    }
  }
  api.store.create('v1/services', {
    metadata: { name: 'front', namespace: 'default' },
    spec: { ports: [{ port: 80 }] },
  });
  for (const name of ['web-1', 'web-2', 'other-1']) {
    const labels = { app: name.split('-')[0] ?? '' };
    api.store.create('v1/pods', { metadata: { name, namespace: 'default', labels }, spec: template.spec });
  }
});
afterAll(async () => {
  kube.close();
  await api.close();
  await rm(folder, { recursive: true });
});
beforeEach(() => {
  api.metrics.remove({});
  api.metrics.serve({ custom: ['v1beta2', 'v1beta1'], external: true });
  api.metrics.unavailable(false);
});

const requests = { metricName: 'requests', windowSize: 60_000, threshold: 0 };

/** What the sources together know of the first metric of each resource, and what failed. */
async function ask(...resources: readonly Resource[]) {
  const limits = { clock: systemClock, timeoutMs: 2_000, collectTimeoutMs: 4_000, concurrency: 4 };
  const sources = [
    createCustomMetricsSource({
      client: createCustomMetricsClient({ client: kube }),
      resource: 'deployments.apps',
      ...limits,
    }),
    createExternalMetricsSource({ client: createExternalMetricsClient({ client: kube }), ...limits }),
  ];
  const wants = resources.flatMap((resource) => wantsOf(resource, wantSettings).slice(0, 1));
  const { samples, reports } = await collect(sources, wants, { signal });
  const results = wants.map(({ key }) => {
    const sample = samples.get(key);
    return sample?.known ? sample.value : sample?.reason;
  });
  return { results, failures: reports.flatMap(({ failures }) => failures) };
}

const resource = (name: string, metric: Partial<ScaleResource> = {}, kind?: string): Resource =>
  aResource({ name, scaleResources: [{ ...requests, ...metric }], ...(kind === undefined ? {} : { kind }) });

const set = (kind: string, name: string, value: string, labels: Record<string, string> = {}) =>
  api.metrics.add({ namespace: 'default', resource: kind, name, metric: 'requests_per_1m', value, labels });

describe.each(['v1beta2', 'v1beta1'] as const)('the custom metrics API in %s', (version) => {
  beforeEach(() => api.metrics.serve({ custom: [version] }));

  test('answers for resources of their own kind', async () => {
    set('deployments.apps', 'web', '1');
    set('deployments.apps', 'api', '2');
    set('statefulsets.apps', 'api', '3');
    const { results } = await ask(resource('web'), resource('api', {}, 'statefulsets.apps'));
    expect(results).toEqual([1, 3]);
  });

  test('answers for one object by its own path, for several by one call', async () => {
    set('deployments.apps', 'web', '1');
    set('deployments.apps', 'api', '2');
    const pathsAsked = async (...resources: Resource[]) => {
      const before = api.audit.entries().length;
      await ask(...resources);
      const paths = api.audit
        .entries()
        .slice(before)
        .map(({ path }) => path);
      return paths.filter((path) => path.includes('requests_per_1m'));
    };
    const prefix = `/apis/custom.metrics.k8s.io/${version}/namespaces/default/deployments.apps`;
    expect(await pathsAsked(resource('web'))).toEqual([`${prefix}/web/requests_per_1m`]);
    expect(await pathsAsked(resource('web'), resource('api'))).toEqual([`${prefix}/*/requests_per_1m`]);
  });

  test('answers for another object, and for the sum over those that a selector matches', async () => {
    set('services', 'front', '7');
    set('pods', 'web-1', '250m');
    set('pods', 'web-2', '1');
    set('pods', 'other-1', '100');
    const { results } = await ask(
      resource('web', { object: { resource: 'services', name: 'front' } }),
      resource('api', { object: { resource: 'pods', selector: 'app=web' } }),
    );
    expect(results).toEqual([7, 1.25]);
  });

  test('one of several objects that is unknown makes their sum unknown; so does none', async () => {
    set('pods', 'web-1', '0');
    set('pods', 'web-2', 'NaN');
    const { results, failures } = await ask(
      resource('web', { object: { resource: 'pods', selector: 'app=web' } }),
      resource('api', { object: { resource: 'pods', selector: 'app=none' } }),
    );
    expect(results).toEqual([expect.stringContaining('bad-value'), expect.stringContaining('no-metric')]);
    expect(failures).toHaveLength(1);
  });

  test('answers with the series that the labels leave', async () => {
    set('deployments.apps', 'web', '0', { verb: 'get' });
    set('deployments.apps', 'web', '5', { verb: 'put' });
    const { results } = await ask(resource('web', { labels: { verb: 'put' } }), resource('web'));
    expect(results).toEqual([5, expect.stringContaining('several-values')]);
  });
});

describe('the external metrics API', () => {
  const queue = (labels: Record<string, string>): Partial<ScaleResource> => ({
    metricName: 'queue',
    source: 'external-metrics',
    labels,
  });

  test('answers with the one value that the labels leave, under the name that was given', async () => {
    for (const [name, value] of [
      ['a', '3'],
      ['b', '4'],
      ['b', '5'],
    ] as const) {
      api.metrics.setExternal({ namespace: 'default', metric: 'queue', labels: { q: name }, value });
    }
    const { results, failures } = await ask(
      resource('web', queue({ q: 'a' })),
      resource('api', queue({ q: 'a' })),
      resource('two', queue({ q: 'b' })),
      resource('none', queue({ q: 'c' })),
    );
    expect(results).toEqual([3, 3, expect.stringContaining('several-values'), expect.stringContaining('no-sample')]);
    expect(failures).toEqual([]);
  });

  test('that is down takes nothing from the custom metrics API, nor the other way round', async () => {
    api.metrics.serve({ external: false });
    set('deployments.apps', 'web', '1');
    const { results, failures } = await ask(resource('web'), resource('api', queue({ q: 'a' })));
    expect(results).toEqual([1, expect.stringContaining('no-api')]);
    expect(failures).toHaveLength(1);
  });
});

describe('a mistake of an owner makes the metric unknown, and is no failure of a source', () => {
  test.each<[string, Partial<ScaleResource>, string]>([
    ['a label value with a comma', { labels: { q: 'a,b=c' } }, 'its label q is "a,b=c"'],
    ['the same for external metrics', { labels: { q: 'a b' }, source: 'external-metrics' }, 'its label q is "a b"'],
    ['a name that is a path', { metricName: '../secrets' }, 'bad-name'],
    ['a source that is not set', { source: 'prometheus' }, 'prometheus is not among --metrics-source'],
  ])('%s', async (_name, metric, reason) => {
    expect(await ask(resource('web', metric))).toEqual({ results: [expect.stringContaining(reason)], failures: [] });
  });
});

test('an adapter that knows nothing of any resource is not up, though it answers', async () => {
  const { results, failures } = await ask(resource('web'), resource('api'));
  expect(results).toEqual(Array(2).fill(expect.stringContaining('no-metric')));
  expect(failures).toEqual(['it knows nothing of any of 2 resources']);
  expect((await ask(resource('web'))).failures).toEqual([]);
});

test('an adapter that is gone makes all unknown, and is a failure of the source, one per call', async () => {
  api.metrics.unavailable(true);
  const { results, failures } = await ask(resource('web'), resource('api'));
  expect(results).toEqual(Array(2).fill(expect.stringContaining('api-error')));
  expect(failures).toHaveLength(1);
});
