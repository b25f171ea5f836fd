import { afterEach, describe, expect, test } from '@jest/globals';
import { ask, namespace, type Rig, startRig } from './testing/rig.ts';
import { startTraffic } from './testing/traffic.ts';

let rig: Rig | undefined;
afterEach(async () => {
  await rig?.close();
  rig = undefined;
});

const ref = { namespace, name: 'web' };
const writes = ['create', 'update', 'patch', 'delete'] as const;

/** Kills the leader right after its n-th write, before it hears of it; resolves whether it came to that. */
function killAfterWrite(one: Rig, n: number): { readonly killed: () => boolean } {
  let count = 0;
  let killed = false;
  one.cluster.api.faults.add({
    verb: writes,
    userAgent: one.leader.name,
    action: {
      type: 'hook',
      hook: ({ resource }, phase) => {
        if (phase !== 'after' || resource === 'events') return;
        count += 1;
        if (count !== n) return;
        killed = true;
        one.leader.kill();
      },
    },
  });
  return { killed: () => killed };
}

describe.each(['overlay', 'selector', 'always'] as const)('a leader that dies in %s mode', (routing) => {
  test('after any single write of a park leaves something that its successor makes whole, while all are answered', async () => {
    rig = await startRig({ settle: '50ms' });
    await rig.workload('web', { 'scaler/routing': routing });
    for (let n = 1; ; n++) {
      await rig.waitForPeace('web');
      const crash = killAfterWrite(rig, n);
      const result = await rig.leader.park(ref);
      if (!crash.killed()) {
        expect(result).toMatchObject({ ok: true });
        expect(n).toBeGreaterThan(routing === 'always' ? 2 : 3);
        break;
      }
      await rig.succeed();
      if (rig.phase('web') === 'asleep') await rig.waitForDlxOnly('web');
      expect(await ask(rig.url('web'))).toBe(200);
      await rig.waitForPeace('web');
      expect(rig.read('web').spec.replicas).toBe(1);
      expect(await ask(rig.url('web'))).toBe(200);
    }
  }, 30_000);

  test('after any single write of a restore leaves something that its successor makes whole, while all are answered', async () => {
    rig = await startRig({ settle: '50ms' });
    await rig.workload('web', { 'scaler/routing': routing });
    for (let n = 1; ; n++) {
      await rig.waitForPeace('web');
      await rig.leader.putToSleep(ref);
      await rig.waitForDlxOnly('web');
      const crash = killAfterWrite(rig, n);
      const traffic = startTraffic(rig.url('web'), 20);
      await rig.until(() => crash.killed() || rig?.phase('web') === 'awake');
      if (crash.killed()) await rig.succeed();
      await rig.waitForPeace('web');
      const { sent, lost } = await traffic.stop();
      expect(lost).toEqual([]);
      expect(sent).toBeGreaterThan(0);
      expect(rig.read('web').spec.replicas).toBe(1);
      if (!crash.killed()) break;
    }
  }, 30_000);
});

test('a park that was left is undone with two live reads at the most: a leader that takes over many of them has to be quick', async () => {
  rig = await startRig({ settle: '50ms' });
  await rig.workload('web', { 'scaler/routing': 'selector' });
  await rig.waitForPeace('web');
  const crash = killAfterWrite(rig, 1);
  await rig.leader.park(ref);
  expect(crash.killed()).toBe(true);
  const { name } = await rig.succeed();
  await rig.waitForPhase('web', 'awake');
  await rig.waitForPeace('web');
  const reads = rig.cluster.api.audit.entries({ userAgent: name, verb: 'get', gvr: 'apps/v1/deployments' });
  expect(reads.length).toBeLessThanOrEqual(2);
});
