import { afterEach, expect, test } from '@jest/globals';
import { ask, namespace, type Rig, startRig } from '../testing/rig.ts';

let rig: Rig | undefined;
afterEach(async () => {
  await rig?.close();
  rig = undefined;
});

async function startWithSleeper(): Promise<Rig> {
  const one = (rig = await startRig({ settle: '50ms' }));
  await one.workload('web', { 'scaler/metrics': 'requests_per_5m<=0' });
  await one.waitForPeace('web');
  const { store } = one.cluster.api;
  store.updateScale('apps/v1/deployments', namespace, 'web', {
    ...store.getScale('apps/v1/deployments', namespace, 'web'),
    spec: { replicas: 0 },
  });
  await one.waitForPhase('web', 'asleep');
  await one.waitForDlxOnly('web');
  return one;
}

test('a wake does without a watch of pods that says nothing', async () => {
  const one = await startWithSleeper();
  one.cluster.api.faults.add({
    ...{ verb: 'watch', resource: 'pods', userAgent: 'rig-dlx' },
    action: { type: 'freezeWatch' },
  });
  expect(await ask(one.url('web'))).toBe(200);
});

test('a wake whose writes are refused again and again is tried ever more rarely', async () => {
  const one = await startWithSleeper();
  const { faults } = one.cluster.api;
  const atMs: number[] = [];
  const writes = { verb: 'patch', resource: 'deployments', userAgent: 'rig-dlx' } as const;
  faults.add({
    ...writes,
    action: { type: 'hook', hook: (_request, phase) => void (phase === 'before' && atMs.push(performance.now())) },
  });
  faults.add({ ...writes, times: 5, action: { type: 'error', status: 409, reason: 'Conflict' } });
  expect(await ask(one.url('web'))).toBe(200);
  const pauses = atMs.slice(1, 6).map((ms, i) => ms - (atMs[i] as number));
  // The first time it may be another client's write, and is decided anew at once.
  [0, 20, 40, 80, 160].forEach((ms, i) => expect(pauses[i]).toBeGreaterThanOrEqual(ms - 1));
});

test('a wake that may not ask for as many replicas as it would asks for those that were recorded', async () => {
  const one = await startWithSleeper();
  const writes = { verb: 'patch', resource: 'deployments', userAgent: 'rig-dlx' } as const;
  const message = "denied request: scaler's own accounts ask for no more replicas than there were";
  const action = { type: 'error', status: 403, reason: 'Forbidden', message } as const;
  const refused = one.cluster.api.faults.add({ ...writes, times: 1, action });
  const options = { signal: new AbortController().signal, reason: { by: 'test', text: 'many' }, replicas: 5 };
  const [result] = await one.dlxScaler.setScale([{ namespace, name: 'web' }], 1, options);
  expect(result?.ok).toBe(true);
  expect(refused.hits).toBe(1);
  expect(one.read('web').spec.replicas).toBe(1);
});
