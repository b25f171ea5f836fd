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

    await rig.leader.putToSleep(ref('web'));
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

test('a StatefulSet is parked by the Services that are named, and its headless one left alone', async () => {
  rig = await startRig();
  const { cluster } = rig;
  const labels = { app: 'db' };
  await cluster.apply({
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: {
      ...{ namespace, name: 'db', labels: { 'scaler/enabled': 'true' } },
      annotations: { 'scaler/routing': 'selector', 'scaler/services': 'db' },
    },
    spec: {
      ...{ replicas: 2, serviceName: 'db-pods', selector: { matchLabels: labels } },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'app', image: 'echo', ports: [{ name: 'http', containerPort: 8080 }] }] },
      },
    },
  });
  await cluster.apply({
    ...{ apiVersion: 'v1', kind: 'Service', metadata: { namespace, name: 'db-pods' } },
    spec: { clusterIP: 'None', selector: labels, ports: [{ port: 80 }] },
  });
  await cluster.service(namespace, 'db', { port: 80, targetPort: 'http' });
  const one = rig;
  const told = () => one.leader.resources.get(`${namespace}/db`);
  await rig.until(() => told()?.phase === 'awake' && told()?.blocked === undefined);
  await rig.until(() => cluster.proxy.backends(namespace, 'db', 80).length === 2);
  await rig.leader.putToSleep(ref('db'));
  expect(rig.routing('db-pods')).toEqual({ key: undefined, slices: 0 });
  await rig.waitForDlxOnly('db');
  expect(await ask(rig.url('db'))).toBe(200);
  await rig.until(() => told()?.phase === 'awake');
  expect(told()?.replicas).toBe(2);
});

test('what the autoscaler has to tell of a workload is an Event; of what is gone, nothing', async () => {
  rig = await startRig();
  await rig.workload('web');
  const { leader, told } = rig;
  const notice = { type: 'warning', reason: 'IdlenessUnknown', message: 'it stays awake: no-api' } as const;
  leader.scaler.tell?.(ref('gone'), notice);
  leader.scaler.tell?.(ref('web'), notice);
  await rig.until(() => told('web', 'IdlenessUnknown') === 'it stays awake: no-api');
});
