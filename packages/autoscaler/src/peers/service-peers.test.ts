import { expect, test } from '@jest/globals';
import type { KubeClient } from '@scaler/kube';
import { servicePeers } from './service-peers.ts';

test('a fence that asks who the replicas are does not wait behind lists and Events', async () => {
  const lanes: unknown[] = [];
  const client = {
    list: async (_kind: unknown, { lane }: { lane?: unknown }) => {
      lanes.push(lane);
      return { items: [] };
    },
  } as unknown as KubeClient;
  const service = { namespace: 'scaler-system', name: 'dlx' };
  await servicePeers({ client, service, infraPort: 8081, controlPort: 8083, timeoutMs: 1_000 }).live(
    new AbortController().signal,
  );
  expect(lanes).toEqual(['normal']);
});
