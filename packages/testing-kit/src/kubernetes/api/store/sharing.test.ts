import { expect, test } from '@jest/globals';
import { createFakeClock } from '../../../clock.ts';
import { builtInKinds } from '../kinds.ts';
import type { KubeObject } from '../object.ts';
import { Store } from './store.ts';

const deployments = 'apps/v1/deployments';
const ref = ['default', 'shop'] as const;

function storeWithShop(): Store {
  const store = new Store({
    clock: createFakeClock(),
    kinds: builtInKinds,
    random: () => 0,
    allocateClusterIp: () => '10.96.0.1',
    historyWindow: 100,
  });
  const app = { app: 'shop' };
  const metadata = { namespace: 'default', name: 'shop', annotations: { note: 'x' } };
  const template = { metadata: { labels: app }, spec: { containers: [{ name: 'app', image: 'app' }] } };
  store.create(deployments, { metadata, spec: { selector: { matchLabels: app }, template } }, { manager: 'owner' });
  return store;
}

test('a patch copies no more of an object than it changes', () => {
  const store = storeWithShop();
  const before = store.get(deployments, ...ref);
  const body = { metadata: { annotations: { other: 'y' } } };
  const after = store.patch(deployments, ...ref, { type: 'strategic', body });
  expect(after.metadata.annotations).toEqual({ note: 'x', other: 'y' });
  expect(after.spec).toBe(before.spec);
  expect(after.status).toBe(before.status);
  expect(before.metadata.annotations).toEqual({ note: 'x' });
});

test('a status copies nothing of the object that it is of', () => {
  const store = storeWithShop();
  const before = store.get(deployments, ...ref);
  const given = { ...before, status: { observedGeneration: 1 } } as KubeObject;
  const after = store.update(deployments, given, { subresource: 'status', manager: 'controller' });
  expect(after.status).toEqual({ observedGeneration: 1 });
  expect(after.spec).toBe(before.spec);
  expect(after.metadata.managedFields).toBe(before.metadata.managedFields);
});

test('the parts that a patch shares with the old object do not change with the next patch', () => {
  const store = storeWithShop();
  const first = store.get(deployments, ...ref);
  const container = (image: string): object => ({
    spec: { template: { spec: { containers: [{ name: 'app', image }] } } },
  });
  const patched = store.patch(deployments, ...ref, { type: 'strategic', body: container('app:2') });
  const imageOf = ({ spec }: KubeObject): unknown =>
    (spec as { template: { spec: { containers: { image: string }[] } } }).template.spec.containers[0]?.image;
  expect([imageOf(first), imageOf(patched)]).toEqual(['app', 'app:2']);
});
