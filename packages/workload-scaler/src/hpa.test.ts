import { afterEach, describe, expect, test } from '@jest/globals';
import type { ScaleResult } from '@scaler/scaler-types';
import { ask, namespace, type Rig, startRig } from './testing/rig.ts';

let rig: Rig | undefined;
afterEach(async () => {
  await rig?.close();
  rig = undefined;
});

const ref = { namespace, name: 'web' };
const deployments = 'apps/v1/deployments';

async function awake(): Promise<Rig> {
  rig = await startRig({ settle: '50ms' });
  await rig.workload('web', { 'scaler/metrics': 'requests_per_5m<=0' });
  await rig.waitForPeace('web');
  return rig;
}

/** As an HPA does it: through the scale, with the version that it read. */
function scale({ cluster }: Rig, replicas: number): void {
  const { store } = cluster.api;
  store.updateScale(deployments, namespace, 'web', {
    ...store.getScale(deployments, namespace, 'web'),
    spec: { replicas },
  });
}

/** Replicas that the scaler wrote, in order. */
function written({ cluster }: Rig): number[] {
  const patches = cluster.api.audit.writes({ gvr: deployments, name: 'web' }).filter(({ verb }) => verb === 'patch');
  return patches
    .flatMap(({ body }) => JSON.parse(body) as { op: string; path: string; value: number }[])
    .filter(({ op, path }) => op === 'add' && path === '/spec/replicas')
    .map(({ value }) => value);
}

const ready = (one: Rig, count: number): Promise<void> =>
  one.until(
    () =>
      one.cluster.proxy.backends(namespace, 'web', 80).filter((b) => !b.startsWith(`${one.dlx.address}:`)).length ===
      count,
  );

describe('an HPA that scales between 1 and N is not argued with', () => {
  test('while it is awake, while it is parked and while it wakes', async () => {
    const one = await awake();
    for (const count of [3, 1]) {
      scale(one, count);
      await ready(one, count);
      await one.waitForPeace('web');
    }
    const parkWhile = (...counts: number[]): Promise<ScaleResult> =>
      one.leader.park(ref, {
        confirm: () => {
          for (const count of counts) scale(one, count);
          return { ok: true };
        },
      });
    expect(await parkWhile(3)).toMatchObject({ ok: false, error: { code: 'park-cancelled' } });
    await one.waitForPeace('web');
    expect(one.read('web').spec.replicas).toBe(3);
    scale(one, 1);
    await ready(one, 1);
    await one.waitForPeace('web');
    // There and back again before the last step: nothing has changed for it.
    expect(await parkWhile(3, 1)).toMatchObject({ ok: true });
    expect(written(one)).toEqual([0]);
    one.cluster.api.faults.add({
      ...{ verb: 'patch', resource: 'deployments', userAgent: 'rig-dlx', times: 1 },
      action: { type: 'hook', hook: (_request, phase) => void (phase === 'after' && scale(one, 3)) },
    });
    await one.waitForDlxOnly('web');
    expect(await ask(one.url('web'))).toBe(200);
    await one.waitForPeace('web');
    expect(one.read('web').spec.replicas).toBe(3);
    expect(written(one)).toEqual([0, 1]);
  });
});

describe('an HPA that scales to zero is followed', () => {
  test('and the next request brings back as many as it had last', async () => {
    const one = await awake();
    scale(one, 3);
    await ready(one, 3);
    await one.waitForPeace('web');
    scale(one, 0);
    await one.waitForPhase('web', 'asleep');
    await one.waitForDlxOnly('web');
    expect(await ask(one.url('web'))).toBe(200);
    expect(one.read('web').spec.replicas).toBe(3);
    expect(written(one)).toEqual([3]);
  });

  test('in the middle of a park, without a word against it', async () => {
    const one = await awake();
    const confirm = (): { ok: true } => {
      scale(one, 0);
      return { ok: true };
    };
    expect(await one.leader.park(ref, { confirm })).toMatchObject({ ok: false, error: { code: 'park-cancelled' } });
    await one.waitForPhase('web', 'asleep');
    expect(written(one)).toEqual([]);
    await one.waitForDlxOnly('web');
    expect(await ask(one.url('web'))).toBe(200);
    expect(written(one)).toEqual([1]);
  });

  test('in the middle of a wake, which starts it again for the request that waits', async () => {
    const one = await awake();
    await one.leader.putToSleep(ref);
    await one.waitForDlxOnly('web');
    one.cluster.api.faults.add({
      ...{ verb: 'patch', resource: 'deployments', userAgent: 'rig-dlx', times: 1 },
      action: { type: 'hook', hook: (_request, phase) => void (phase === 'after' && scale(one, 0)) },
    });
    expect(await ask(one.url('web'))).toBe(200);
    await one.waitForPeace('web');
    expect(one.read('web').spec.replicas).toBe(1);
  });
});
