import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { customKind, type KubeObject } from '@scaler/kube';
import { type WorkloadKind, rbacRulesOf, selectorOf, anyRollout } from './kind.ts';
import { workloadTrimmer } from './workload.ts';

const source = join(import.meta.dirname, '..');
const sources = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(
  (file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.startsWith('testing'),
);

test('the scaler of workloads names no kind of workload', () => {
  expect(sources.length).toBeGreaterThan(50);
  const naming = sources.filter((file) =>
    /Deployment|StatefulSet|DaemonSet/.test(readFileSync(join(source, file), 'utf8')),
  );
  expect(naming).toEqual([]);
});

const widget: WorkloadKind = {
  kind: customKind({ group: 'example.com', version: 'v1', plural: 'widgets', kind: 'Widget', namespaced: true }),
  ...{ replicasPath: '/spec/size', scaleOnly: true, pods: 'selected', mayNotObserve: true },
  rollout: (object) => anyRollout(1, object),
};
const object = (fields: object): KubeObject =>
  ({ metadata: { namespace: 'shop', name: 'web', uid: 'u', generation: 3 }, ...fields }) as KubeObject;

test.each<[string, object, Record<string, string>]>([
  ['matchLabels', { spec: { selector: { matchLabels: { app: 'web' } } } }, { app: 'web' }],
  ['labels', { spec: { selector: { app: 'web' } } }, { app: 'web' }],
  ['a text in the status', { status: { selector: 'app=web,tier==front' } }, { app: 'web', tier: 'front' }],
  ['a text that it cannot use', { status: { selector: 'app in (web, shop)' } }, {}],
  ['nothing', {}, {}],
])('the selector is read from %s', (_, fields, labels) => {
  expect(selectorOf(widget, object(fields))).toEqual(labels);
});

test('a workload of any kind is read where its kind says', () => {
  const fields = { spec: { size: 2 }, status: { selector: 'app=web', observedGeneration: '2' } };
  expect(workloadTrimmer(widget)(object(fields))).toMatchObject({
    ...{ kind: 'Widget', resource: 'widgets.example.com', replicas: 2, observedGeneration: 2 },
    ...{ selector: { app: 'web' }, templateLabels: { app: 'web' } },
  });
  expect(workloadTrimmer(widget)(object({})).observedGeneration).toBe(3);
  expect(workloadTrimmer({ ...widget, mayNotObserve: false })(object({})).observedGeneration).toBe(0);
});

test('a rollout is in progress as far as the status says so', () => {
  const at = (status: object): string | undefined => anyRollout(2, object({ status }));
  for (const status of [{}, { replicas: 2 }, { observedGeneration: 3, replicas: 2, updatedReplicas: 2 }])
    expect(at(status)).toBeUndefined();
  expect(at({ observedGeneration: '2' })).toMatch(/not been seen/);
  for (const status of [{ replicas: 3 }, { replicas: 1 }, { updatedReplicas: 1 }])
    expect(at(status)).toMatch(/rollout/);
});

test('a kind needs what it is read and written by', () => {
  expect(rbacRulesOf(widget)).toEqual([
    { apiGroups: ['example.com'], resources: ['widgets'], verbs: ['get', 'list', 'watch', 'patch'] },
    { apiGroups: ['example.com'], resources: ['widgets/scale'], verbs: ['update'] },
  ]);
});
