import { expect, test } from '@jest/globals';
import type { ContainerTrouble, PodTrouble } from '../endpoints/pod-info.ts';
import { hopelessTable, isHopeless, rankOf } from './hopeless.ts';

const trouble = (reason: string, message = '', restarts?: number): PodTrouble => ({
  ...{ reason, message },
  ...(restarts !== undefined && {
    container: { name: 'app', init: false, restarts, exit: undefined } as ContainerTrouble,
  }),
});
/** Seconds after which it is hopeless, of those that are tried; undefined: never. */
const after = (one: PodTrouble, unschedulableAfterMs = 0): number | undefined =>
  [0, 10, 20, 30, 86_400].find((seconds) => isHopeless(one, seconds * 1000, unschedulableAfterMs));

const notFound = 'failed to resolve reference "docker.io/library/nowhere:1": docker.io/library/nowhere:1: not found';
const backOff = `Back-off pulling image "nowhere:1": ErrImagePull: rpc error: code = NotFound desc = ${notFound}`;

test.each<[string, PodTrouble, number | undefined]>([
  ['a wrong image name', trouble('InvalidImageName', 'couldn\'t parse image name "WEB:1": invalid reference'), 0],
  ['an image that is not there', trouble('ErrImagePull', notFound), 0],
  ['the same, backing off', trouble('ImagePullBackOff', backOff), 0],
  ['one that we may not have', trouble('ErrImagePull', 'pull access denied, repository does not exist'), 0],
  ['a registry that hangs', trouble('ErrImagePull', 'dial tcp 10.0.0.1:443: i/o timeout'), 30],
  ['an older kubelet, which does not say', trouble('ImagePullBackOff', 'Back-off pulling image "x"'), 30],
  ['a missing Secret', trouble('CreateContainerConfigError', 'secret "db" not found'), 0],
  ['a missing key', trouble('CreateContainerConfigError', "couldn't find key url in Secret shop/db"), 0],
  ['a slow kubelet', trouble('CreateContainerConfigError', 'failed to sync secret cache: timed out'), 10],
  ['a first crash', trouble('CrashLoopBackOff', '', 1), undefined],
  ['a crash loop', trouble('CrashLoopBackOff', '', 2), 0],
  ['a container that has just ended', trouble('Error', '', 5), undefined],
  ['a quota', trouble('FailedCreate', 'pods "web-1" is forbidden: exceeded quota: compute'), 10],
  ['no node', trouble('Unschedulable', '0/3 nodes are available: 3 Insufficient cpu.'), undefined],
  [
    'a volume that is on its way',
    trouble('Unschedulable', 'pod has unbound immediate PersistentVolumeClaims'),
    undefined,
  ],
  ['a volume that no controller makes', trouble('Unschedulable', 'persistentvolumeclaim "data" not found.'), 10],
  ['a volume that cannot be made', trouble('FailedMount', 'MountVolume.SetUp failed: secret "tls" not found'), 20],
  ['a volume that is slow', trouble('FailedAttachVolume', 'Multi-Attach error'), undefined],
  ['a check that fails', trouble('Unhealthy', 'Readiness probe failed: HTTP probe failed'), undefined],
  ['what is new', trouble('SomethingNew'), undefined],
])('%s', (_, one, seconds) => {
  expect(after(one)).toBe(seconds);
});

test('where no nodes are added, no node is hopeless after a while', () => {
  const one = trouble('Unschedulable', '0/3 nodes are available');
  expect([after(one, 2000), isHopeless(one, 1999, 2000), isHopeless(one, 2000, 2000)]).toEqual([10, false, true]);
});

test('each row is reached, and what is in none comes last', () => {
  expect(rankOf(trouble('SomethingNew'))).toBe(hopelessTable.length);
  const messages = ['', 'x not found', 'persistentvolumeclaim "x" not found'];
  const reached = hopelessTable.flatMap(({ reasons }) =>
    reasons.flatMap((r) => messages.map((m) => rankOf(trouble(r, m)))),
  );
  const rows = [...new Set(reached)].filter((rank) => rank < hopelessTable.length);
  expect(rows.sort((a, b) => a - b)).toEqual(hopelessTable.map((_, i) => i));
});
