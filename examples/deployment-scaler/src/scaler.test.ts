import { afterEach, describe, expect, test } from '@jest/globals';
import { ask, namespace, type Rig, startRig } from './testing/rig.ts';

let rig: Rig | undefined;
afterEach(async () => {
  await rig?.close();
  rig = undefined;
});

const ref = (name: string) => ({ namespace, name });

describe.each(['overlay', 'selector', 'always'] as const)('in %s mode', (routing) => {
  test('a workload is parked, woken by a request, and gets its traffic back', async () => {
    rig = await startRig();
    await rig.workload('web', { 'scaler/routing': routing });
    const { cluster } = rig;
    const whole = { key: routing === 'always' ? expect.any(String) : undefined, slices: routing === 'always' ? 1 : 0 };
    await rig.waitForPeace('web');
    expect(await ask(rig.url('web'))).toBe(200);

    expect(await rig.leader.park(ref('web'))).toEqual({ resource: ref('web'), ok: true });
    expect(rig.phase('web')).toBe('asleep');
    expect(rig.read('web').spec.replicas).toBe(0);
    expect(rig.routing('web')).toEqual({ key: routing === 'overlay' ? undefined : expect.any(String), slices: 1 });

    await rig.waitForDlxOnly('web');
    expect(await ask(rig.url('web'))).toBe(200);
    await rig.waitForPhase('web', 'awake');
    expect(rig.read('web').spec.replicas).toBe(1);
    expect(rig.routing('web')).toEqual(whole);
    expect(await ask(rig.url('web'))).toBe(200);
    expect(cluster.problems).toEqual([]);
  });
});
