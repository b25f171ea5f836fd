import { afterEach, describe, expect, test } from '@jest/globals';
import { ask, namespace, type Rig, startRig } from '../testing/rig.ts';

let rig: Rig | undefined;
afterEach(async () => {
  await rig?.close();
  rig = undefined;
});

const ref = { namespace, name: 'web' };

/** Asleep, with annotations that a version before took; then another leader, which has never seen it, takes over. */
async function upgraded(annotations: Record<string, string>, before: Record<string, string> = {}): Promise<Rig> {
  rig = await startRig();
  await rig.workload('web', { 'scaler/metrics': 'requests_per_5m<=0', ...before });
  await rig.waitForPeace('web');
  await rig.leader.putToSleep(ref);
  rig.leader.kill();
  const { store } = rig.cluster.api;
  store.patch('apps/v1/deployments', namespace, 'web', { type: 'merge', body: { metadata: { annotations } } });
  await rig.succeed();
  return rig;
}

describe('what sleeps already and is past a bound', () => {
  test.each([
    ['40,000 ports', 'scaler/tcp-ports', Array.from({ length: 40_000 }, (_, i) => `${i + 1}`).join()],
    ['a threshold of 240,000 digits', 'scaler/metrics', `requests_per_5m<=${'9'.repeat(240_000)}`],
    ['a threshold that is not finite', 'scaler/metrics', 'requests_per_5m<=1e999'],
    ['9,000 rules', 'scaler/quiet', JSON.stringify(Array.from({ length: 9_000 }, (_, i) => ({ path: `/${i}` })))],
    ['240,000 digits of a time', 'scaler/hold-timeout', `${'9'.repeat(240_000)}h`],
  ])(
    '%s: stays where it is, is woken by the first request, and then stays awake until it is mended',
    async (_, annotation, text) => {
      const one = await upgraded({ [annotation]: text });
      await one.until(() => one.told('web', 'InvalidSetting') !== undefined);
      expect(one.told('web', 'InvalidSetting')).toMatch(new RegExp(`^${annotation} is "`));
      expect(one.phase('web')).toBe('asleep');
      expect(one.routing('web')).toEqual({ key: expect.any(String), slices: 1 });
      expect(await ask(one.url('web'))).toBe(200);
      await one.waitForPhase('web', 'awake');
      await one.until(() => one.leader.resources.get(`${namespace}/web`)?.phase === 'awake');
      expect(one.leader.resources.get(`${namespace}/web`)?.blocked).toContain(annotation);
      await expect(one.leader.putToSleep(ref)).rejects.toMatchObject({ code: 'park-refused' });

      one.cluster.api.store.patch('apps/v1/deployments', namespace, 'web', {
        type: 'merge',
        body: { metadata: { annotations: { [annotation]: null } } },
      });
      await one.waitForPeace('web');
      await one.leader.putToSleep(ref);
    },
  );
});

test('a time that is longer than an admin allows is cut and reported, and it sleeps all the same', async () => {
  const one = await upgraded({ 'scaler/settle': '1000h', 'scaler/hold-timeout': '24h' });
  await one.until(() => one.events('web').filter((reason) => reason === 'InvalidSetting').length === 2);
  await one.until(() => one.leader.resources.get(`${namespace}/web`)?.blocked === undefined);
  expect(one.leader.resources.get(`${namespace}/web`)?.holdTimeoutMs).toBe(900_000);
});
