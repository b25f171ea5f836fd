import { expect, test } from '@jest/globals';
import { joinPeers, peerText, staticPeers, withAddresses } from './peer.ts';

const signal = new AbortController().signal;

test('directories are joined, each replica once', async () => {
  const one = { host: '10.0.0.1', port: 8081 };
  const two = { host: '10.0.0.1', port: 8082 };
  await expect(joinPeers([staticPeers([one, two]), staticPeers([one])]).live(signal)).resolves.toEqual([one, two]);
});

test('a directory that fails fails them all: a replica might be missing', async () => {
  const failing = { live: () => Promise.reject(new Error('503')) };
  await expect(joinPeers([staticPeers([]), failing]).live(signal)).rejects.toThrow('503');
});

test('addresses are added on the default port unless a replica has them', () => {
  const peers = [{ host: '10.0.0.1', port: 9000 }];
  expect(withAddresses(peers, ['10.0.0.1', '10.0.0.2', 'fd00::2', '10.0.0.2'], 8081).map(peerText)).toEqual([
    '10.0.0.1:9000',
    '10.0.0.2:8081',
    '[fd00::2]:8081',
  ]);
});
