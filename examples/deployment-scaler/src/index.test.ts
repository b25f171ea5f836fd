import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type EmbeddedCluster, startEmbeddedCluster } from '@scaler/testing-kit/kubernetes';
import { type ResourceScaler, systemClock } from '@scaler/scaler-types';
import { silentLogger } from '@scaler/testing-kit';
import { createResourceScaler } from './index.ts';

let cluster: EmbeddedCluster;
let scaler: ResourceScaler;

beforeEach(async () => {
  cluster = await startEmbeddedCluster();
  scaler = await createResourceScaler({
    ...{ role: 'dlx', identity: 'test', namespaces: undefined, dlxService: undefined },
    ...{ options: { kubeconfig: cluster.kubeconfigPath }, logger: silentLogger, clock: systemClock },
  });
});
afterEach(async () => {
  await scaler.close?.();
  await cluster.close();
});

async function apply(kind: string, name: string, replicas: number, labels: Record<string, string>): Promise<void> {
  const app = { app: name };
  const template = { metadata: { labels: app }, spec: { containers: [{ name: 'app', image: 'none' }] } };
  await cluster.apply({
    ...{ apiVersion: 'apps/v1', kind, metadata: { namespace: 'default', name, labels } },
    spec: { replicas, selector: { matchLabels: app }, template },
  });
}

test('Deployments and StatefulSets that are opted in are resources, and where both share a name, the Deployment', async () => {
  const enabled = { 'scaler/enabled': 'true' };
  await apply('Deployment', 'web', 0, enabled);
  await apply('StatefulSet', 'db', 0, enabled);
  await apply('Deployment', 'other', 0, {});
  await apply('StatefulSet', 'both', 0, enabled);
  await apply('Deployment', 'both', 0, enabled);
  const resources = await scaler.getResources();
  expect(resources.map(({ name, kind }) => [name, kind]).sort()).toEqual([
    ['both', 'deployments.apps'],
    ['db', 'statefulsets.apps'],
    ['web', 'deployments.apps'],
  ]);
});
