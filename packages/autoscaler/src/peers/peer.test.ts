import { expect, test } from '@jest/globals';
import type { KubeClient } from '@scaler/kube';
import { peerDirectory, peerText, withAddresses } from './peer.ts';

const signal = new AbortController().signal;

function inService(list: KubeClient['list']) {
  const service = { namespace: 'scaler-system', name: 'dlx' };
  return { client: { list } as KubeClient, service, infraPort: 8081, controlPort: 8083 };
}

test('replicas that are always there and those of the Service are joined, each once', async () => {
  const state = { ready: true, serving: true, terminating: false, targetUid: undefined };
  const endpoints = ['10.0.0.1', '10.0.0.2'].map((address) => ({ address, ...state }));
  const slice = { managedBy: '', ports: [{ name: 'infra', port: 8081, protocol: 'TCP' }], endpoints };
  const list = (() => Promise.resolve({ items: [slice] })) as unknown as KubeClient['list'];
  const fixed = [
    { host: '10.0.0.1', port: 8081 },
    { host: '10.0.0.1', port: 8082 },
  ];
  const joined = await peerDirectory(fixed, inService(list)).live(signal);
  expect(joined.map(peerText)).toEqual(['10.0.0.1:8081', '10.0.0.1:8082', '10.0.0.2:8081']);
});

test('a Service that cannot be read fails them all: a replica might be missing', async () => {
  const failing = peerDirectory(
    [{ host: '10.0.0.1', port: 8081 }],
    inService(() => Promise.reject(new Error('503'))),
  );
  await expect(failing.live(signal)).rejects.toThrow('503');
});

test('a fence that asks who the replicas are does not wait behind lists and Events', async () => {
  const lanes: unknown[] = [];
  const list = (async (_kind: unknown, { lane }: { lane?: unknown }) => {
    lanes.push(lane);
    return { items: [] };
  }) as unknown as KubeClient['list'];
  await peerDirectory([], inService(list)).live(signal);
  expect(lanes).toEqual(['normal']);
});

test('addresses are added on the default port unless a replica has them', () => {
  const peers = [{ host: '10.0.0.1', port: 9000 }];
  expect(withAddresses(peers, ['10.0.0.1', '10.0.0.2', 'fd00::2', '10.0.0.2'], 8081).map(peerText)).toEqual([
    '10.0.0.1:9000',
    '10.0.0.2:8081',
    '[fd00::2]:8081',
  ]);
});
