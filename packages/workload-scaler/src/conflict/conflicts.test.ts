import { afterEach, describe, expect, test } from '@jest/globals';
import type { KubeObject } from '@scaler/testing-kit/kubernetes';
import { ask, namespace, type Rig, startRig } from '../testing/rig.ts';

let rig: Rig | undefined;
afterEach(async () => {
  await rig?.close();
  rig = undefined;
});

const ref = { namespace, name: 'web' };
const deployments = 'apps/v1/deployments';
const conflict = { manager: 'argocd-controller' };

/** Writes `body` right after each change that it has something against. */
function argue(
  one: Rig,
  gvr: string,
  isWrong: (object: KubeObject) => boolean,
  body: object,
): { readonly times: number } {
  const { store } = one.cluster.api;
  const argued = { times: 0 };
  store.watch(gvr, ({ type, object }) => {
    if (type === 'DELETED' || object.metadata.name !== 'web' || !isWrong(object)) return;
    setImmediate(() => {
      if (!isWrong(store.get(gvr, namespace, 'web'))) return;
      argued.times += 1;
      store.patch(gvr, namespace, 'web', { type: 'merge', body }, conflict);
    });
  });
  return argued;
}

async function awake(): Promise<Rig> {
  rig = await startRig({ settle: '50ms' });
  await rig.workload('web', { 'scaler/routing': 'selector' });
  await rig.waitForPeace('web');
  return rig;
}

/** Parks until it is given up, and asks for it after each; how many times it was tried. */
async function parkUntilGivenUp(one: Rig): Promise<number> {
  for (let tried = 1; tried < 5; tried++) {
    await one.leader.park(ref);
    // A park that went through is undone by the conflict, then by us.
    await one.until(() => {
      const { phase } = one.leader.resources.get('shop/web') ?? {};
      return phase === 'awake' && one.phase('web') === 'awake' && one.routing('web').slices === 0;
    });
    expect(await ask(one.url('web'))).toBe(200);
    if (blockedOf(one).startsWith('not parked until')) return tried;
    await one.waitForPeace('web');
  }
  throw new Error('It is parked again and again');
}

const blockedOf = (one: Rig): string => one.leader.resources.get('shop/web')?.blocked ?? '';
const contested = (one: Rig): number => one.events('web').filter((reason) => reason === 'Contested').length;

describe('another client that keeps taking back what the scaler writes is given way to, by name', () => {
  test('a selector that is written over: two rounds, then its Service is left alone, and all are served', async () => {
    const one = await awake();
    const argued = argue(
      one,
      'v1/services',
      ({ spec }) => (spec?.selector as Record<string, string>)['scaler/asleep'] !== undefined,
      { spec: { selector: { 'scaler/asleep': null } } },
    );
    await parkUntilGivenUp(one);
    expect(argued.times).toBeLessThanOrEqual(3);
    await one.until(() => one.phase('web') === 'awake' && one.routing('web').slices === 0);
    expect(blockedOf(one)).toMatch(/argocd-controller takes scaler\/asleep out of spec\.selector of Service web/);
    expect(await one.leader.park(ref)).toMatchObject({ ok: false, error: { code: 'park-refused' } });
    await one.until(() => contested(one) > 0);
    expect(contested(one)).toBe(1);
    expect(argued.times).toBeLessThanOrEqual(3);
  });

  test('replicas that are set back after each park', async () => {
    const one = await awake();
    const argued = argue(one, deployments, ({ spec }) => spec?.replicas === 0, { spec: { replicas: 1 } });
    expect(await parkUntilGivenUp(one)).toBe(2);
    expect(argued.times).toBe(2);
    await one.waitForPhase('web', 'awake');
    await one.until(
      () => one.told('web', 'WokenUp') === 'its replicas were raised by another client: argocd-controller',
    );
    expect(blockedOf(one)).toMatch(
      /argocd-controller writes spec\.replicas of Deployment web once it is asleep \(2 times\)/,
    );
    const [contestedNow, reverts] = one.leader.scaler.metrics?.() ?? [];
    expect(contestedNow?.samples).toEqual([{ labels: { writer: 'argocd-controller' }, value: 1 }]);
    expect(reverts?.samples).toContainEqual({ labels: { what: 'replicas' }, value: 2 });
    expect(await ask(one.url('web'))).toBe(200);
  });

  test('labels that are removed: none are written any more, and it still serves', async () => {
    const one = await awake();
    const argued = argue(one, deployments, ({ metadata }) => metadata.labels?.['scaler/phase'] !== undefined, {
      metadata: { labels: { 'scaler/phase': null, 'scaler/epoch': null } },
    });
    one.cluster.api.store.patch(deployments, namespace, 'web', {
      type: 'merge',
      body: { metadata: { labels: { team: 'a' } } },
    });
    await one.until(() => blockedOf(one).startsWith('not parked until'));
    expect(blockedOf(one)).toMatch(/removes the labels scaler\/phase and scaler\/epoch of Deployment web/);
    expect(argued.times).toBeLessThanOrEqual(3);
    expect(await ask(one.url('web'))).toBe(200);
  });

  const zero = (one: Rig): unknown =>
    one.cluster.api.store.patch(deployments, namespace, 'web', {
      ...{ type: 'merge', body: { spec: { replicas: 0 } } },
    });

  test('and a zero is followed all the same: a Service that must not be written leads to the DLX by slices', async () => {
    const one = await awake();
    const argued = argue(
      one,
      'v1/services',
      ({ spec }) => (spec?.selector as Record<string, string>)['scaler/asleep'] !== undefined,
      { spec: { selector: { 'scaler/asleep': null } } },
    );
    await parkUntilGivenUp(one);
    await one.until(() => one.phase('web') === 'awake' && one.routing('web').slices === 0);
    const before = argued.times;
    zero(one);
    await one.waitForPhase('web', 'asleep');
    await one.waitForDlxOnly('web');
    expect(await ask(one.url('web'))).toBe(200);
    await one.waitForPhase('web', 'awake');
    expect(argued.times).toBe(before);
    expect(blockedOf(one)).toMatch(/^not parked until/);
  });

  test('and so is a zero where replicas were set back', async () => {
    const one = await awake();
    let over = false;
    argue(one, deployments, ({ spec }) => !over && spec?.replicas === 0, { spec: { replicas: 1 } });
    await parkUntilGivenUp(one);
    over = true;
    zero(one);
    await one.waitForPhase('web', 'asleep');
    await one.waitForDlxOnly('web');
    expect(await ask(one.url('web'))).toBe(200);
  });

  test('and so is a zero where labels are removed, without a quarrel about them', async () => {
    const one = await awake();
    const argued = argue(one, deployments, ({ metadata }) => metadata.labels?.['scaler/phase'] !== undefined, {
      metadata: { labels: { 'scaler/phase': null, 'scaler/epoch': null } },
    });
    one.cluster.api.store.patch(deployments, namespace, 'web', {
      type: 'merge',
      body: { metadata: { labels: { team: 'a' } } },
    });
    await one.until(() => blockedOf(one).startsWith('not parked until'));
    const before = argued.times;
    zero(one);
    await one.waitForDlxOnly('web');
    expect(one.read('web').spec.replicas).toBe(0);
    expect(argued.times).toBeLessThanOrEqual(before + 1);
    expect(await ask(one.url('web'))).toBe(200);
  });

  test('a zero as soon as it is awake is reported, and every request wakes it all the same', async () => {
    const one = await awake();
    await one.leader.putToSleep(ref);
    for (let round = 0; round < 2; round++) {
      await one.waitForDlxOnly('web');
      expect(await ask(one.url('web'))).toBe(200);
      await one.waitForPhase('web', 'awake');
      one.cluster.api.store.patch(
        deployments,
        namespace,
        'web',
        { type: 'merge', body: { spec: { replicas: 0 } } },
        conflict,
      );
      await one.waitForPhase('web', 'asleep');
    }
    await one.until(() =>
      blockedOf(one).includes('argocd-controller sets spec.replicas of Deployment web to 0 as soon as'),
    );
    await one.waitForDlxOnly('web');
    expect(await ask(one.url('web'))).toBe(200);
  });
});
