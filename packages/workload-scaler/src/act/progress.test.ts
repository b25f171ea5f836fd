import { afterEach, expect, test } from '@jest/globals';
import type { PodInfo } from '../endpoints/pod-info.ts';
import type { StoreEvent } from '@scaler/kube';
import type { Workload } from '../workload/workload.ts';
import type { ResourceScaler, ScaleOptions, ScaleResult } from '@scaler/scaler-types';
import { silentLogger } from '@scaler/testing-kit';
import type { Dependencies } from '../dependencies.ts';
import { createProgress } from './wake.ts';
import { namespace, type Rig, startRig } from '../testing/rig.ts';

let rig: Rig | undefined;
afterEach(async () => {
  await rig?.close();
  rig = undefined;
});

const ref = { namespace, name: 'web' };

async function asleep(): Promise<Rig> {
  rig = await startRig();
  await rig.workload('web', { 'scaler/routing': 'selector' });
  await rig.waitForPeace('web');
  await rig.leader.putToSleep(ref);
  return rig;
}

function wake(scaler: ResourceScaler, progress: ScaleOptions['progress']): Promise<readonly ScaleResult[]> {
  const signal = AbortSignal.timeout(8_000);
  return scaler.setScale([ref], 1, {
    signal,
    reason: { by: 'test', text: 'a test asks' },
    ...(progress && { progress }),
  });
}

test('a wake tells that it is written, and then that a pod has a node; a caller that joins it hears the same', async () => {
  const one = await asleep();
  one.cluster.node.cordon();
  const told: string[] = [];
  const joined: string[] = [];
  const first = wake(one.leader.scaler, ({ name }, step) => told.push(`${name} ${step}`));
  await one.until(() => told.length > 0);
  const second = wake((await one.succeed()).scaler, ({ name }, step) => joined.push(`${name} ${step}`));
  await one.until(() => joined.length > 0);
  expect([told, joined]).toEqual([['web written'], ['web written']]);
  one.cluster.node.uncordon();
  expect([...(await first), ...(await second)].every(({ ok }) => ok)).toBe(true);
  const both = ['web written', 'web scheduled'];
  expect([told, joined]).toEqual([both, both]);
});

test('what the listener throws harms nothing', async () => {
  const one = await asleep();
  let told = 0;
  const [result] = await wake(one.leader.scaler, () => {
    told += 1;
    throw new Error('no metrics today');
  });
  expect(result).toEqual({ resource: ref, ok: true });
  expect(told).toBe(2);
});

test('a pod from before the sleep is none of the wake, nor is one of another workload, or one that ends', () => {
  const pods = new Map<string, PodInfo>();
  const listeners = new Set<(event: StoreEvent<PodInfo>) => void>();
  const set = (uid: string, change: Partial<PodInfo>): void => {
    const object = { uid, ownerUid: 'set', scheduled: true, terminating: false, ...change } as PodInfo;
    pods.set(uid, object);
    for (const listener of listeners) listener({ type: 'added', object });
  };
  const stores = {
    pods: {
      byIndex: (_: string, owner: string) => [...pods.values()].filter(({ ownerUid }) => ownerUid === owner),
      subscribe: (listener: (event: StoreEvent<PodInfo>) => void) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    replicaSets: {
      byIndex: (index: string, uid: string) =>
        uid === (index === 'uid' ? 'set' : 'web') ? [{ uid: 'set', ownerUid: 'web' }] : [],
    },
  };
  const deps = { stores, logger: silentLogger } as unknown as Dependencies;
  const web = { uid: 'web', replicas: 0 } as Workload;
  set('old', {});
  const told: string[] = [];
  const options = { progress: (_: unknown, step: string) => told.push(step) } as unknown as ScaleOptions;
  const stop = createProgress(deps, ref, web, options).followPods(web);
  set('old', {});
  set('new', { scheduled: false });
  set('other', { ownerUid: 'other' });
  set('ending', { terminating: true });
  expect(told).toEqual([]);
  set('new', {});
  set('newer', {});
  expect(told).toEqual(['scheduled']);
  stop();
  expect(listeners.size).toBe(0);
});
