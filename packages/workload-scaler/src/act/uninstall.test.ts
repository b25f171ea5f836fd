import { afterEach, expect, test } from '@jest/globals';
import { connectKube } from '@scaler/kube';
import { systemClock } from '@scaler/scaler-types';
import { silentLogger as logger } from '@scaler/testing-kit';
import { createScaler } from '../scaler.ts';
import { bothKinds } from '../testing/kinds.ts';
import { namespace, type Rig, startRig } from '../testing/rig.ts';

let rig: Rig | undefined;
afterEach(async () => {
  await rig?.close();
  rig = undefined;
});

const ref = { namespace, name: 'web' };

/** As the autoscaler does with `--uninstall`: until nothing is left. */
async function uninstall(one: Rig, graceMs: number): Promise<void> {
  one.leader.kill();
  const client = await connectKube({ kubeconfig: one.cluster.kubeconfigPath, userAgent: 'uninstall', logger });
  const dlxService = { namespace: 'scaler-system', name: 'dlx' };
  const context = {
    identity: 'uninstall',
    namespaces: undefined,
    dlxService,
    options: { settle: '100ms' },
    logger,
    clock: systemClock,
  };
  const scaler = createScaler(client, { ...context, role: 'autoscaler', uninstall: { graceMs } }, bothKinds);
  const { signal } = new AbortController();
  while ((await scaler.getResources()).length > 0) {
    await scaler.reconcile?.([], { signal });
    await one.until(() => true);
    await new Promise(setImmediate);
  }
  await scaler.close?.();
}

const oursOf = (one: Rig): string[] => {
  const { metadata } = one.read('web');
  return Object.keys({ ...metadata.labels, ...metadata.annotations }).filter((key) => key.startsWith('scaler/'));
};

test.each(['selector', 'always'])(
  '%s: a sleeper is woken, restored and left as if it had never slept',
  async (routing) => {
    const one = (rig = await startRig());
    const idle = routing === 'always' ? { 'scaler/idle-after': '100ms' } : {};
    await one.workload('web', { 'scaler/routing': routing, ...idle });
    await one.waitForPeace('web');
    await one.leader.putToSleep(ref);
    await uninstall(one, 60_000);
    expect(one.read('web').spec.replicas).toBe(1);
    expect(one.routing('web')).toEqual({ key: undefined, slices: 0 });
    expect(oursOf(one).filter((key) => key !== 'scaler/idle-after')).toEqual(['scaler/enabled', 'scaler/routing']);
  },
);

test('one that does not come up is restored all the same, once the grace is over', async () => {
  const one = (rig = await startRig());
  await one.workload('web', { 'scaler/routing': 'selector' });
  await one.waitForPeace('web');
  await one.leader.putToSleep(ref);
  one.cluster.api.store.patch('apps/v1/deployments', namespace, 'web', {
    type: 'json',
    body: [{ op: 'replace', path: '/spec/template/spec/containers/0/image', value: 'no-such-image' }],
  });
  await uninstall(one, 300);
  expect(one.read('web').spec.replicas).toBe(1);
  expect(one.routing('web')).toEqual({ key: undefined, slices: 0 });
  expect(one.events('web')).toContain('NotUp');
  expect(one.events('web')).not.toContain('DlxGone');
});
