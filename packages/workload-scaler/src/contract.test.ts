import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connectKube, type KubeClient } from '@scaler/kube';
import { resourceScalerContract } from '@scaler/testing-kit';
import { createScaler } from './scaler.ts';
import { bothKinds } from './testing/kinds.ts';
import { ask, namespace, type Rig, startRig } from './testing/rig.ts';

let rig: Rig;
const clients: KubeClient[] = [];

const contract = resourceScalerContract({
  resource: { namespace, name: 'web' },
  paused: { namespace, name: 'paused' },
  create: async (context) => {
    const { identity: userAgent, logger } = context;
    const client = await connectKube({ kubeconfig: rig.cluster.kubeconfigPath, userAgent, logger });
    clients.push(client);
    const dlxService = { namespace: 'scaler-system', name: 'dlx' };
    return createScaler(client, { ...context, options: { settle: '10ms' }, dlxService }, bothKinds);
  },
  serves: async () => {
    const [pod] = rig.cluster.api.store
      .list('v1/pods', { namespace, labelSelector: 'app=web' })
      .items.map(({ status }) => status as { podIP?: string } | undefined);
    return pod?.podIP !== undefined && (await ask(`http://${pod.podIP}:8080/`).catch(() => 0)) === 200;
  },
});

beforeAll(async () => {
  rig = await startRig({ settle: '10ms' });
  await rig.workload('web', { 'scaler/routing': 'selector' });
  await rig.workload('paused', { 'scaler/routing': 'selector' });
  await rig.waitForPeace('paused');
  await rig.leader.putToSleep({ namespace, name: 'paused' });
  const body = { metadata: { annotations: { 'scaler/pause': 'asleep' } } };
  rig.cluster.api.store.patch('apps/v1/deployments', namespace, 'paused', { type: 'merge', body });
  // From here on the contract's own autoscaler holds the Lease.
  await rig.leader.close();
});
afterAll(async () => {
  await contract.close();
  await rig.close();
  for (const client of clients) client.close();
});

test.each(contract.cases.map((one) => [one.name, one] as const))('%s', async (name, { run }) => {
  expect([await run(), name]).toEqual(['kept', name]);
});
