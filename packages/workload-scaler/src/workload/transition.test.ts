import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type FakeApi, startFakeApi } from '@scaler/testing-kit/kubernetes';
import { type KubeClient, kinds } from '@scaler/kube';
import { newEpoch, readToken } from './token.ts';
import { readWorkload, type Workload } from './workload.ts';
import { touch, transition, type Transition } from './transition.ts';
import { trimDeployment, workloadKinds } from '../testing/kinds.ts';
import { clientOf } from '../testing/fake-client.ts';

const kind = workloadKinds.deployment;
const ref = { namespace: 'shop', name: 'web' };
const deployments = 'apps/v1/deployments';
const since = '2026-01-01T00:00:00.000Z';
const signal = new AbortController().signal;

let api: FakeApi;
let client: KubeClient;

beforeEach(async () => {
  api = await startFakeApi();
  client = await clientOf(api);
  await client.create(kinds.namespace, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
  api.store.create(deployments, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { ...ref, labels: { 'scaler/enabled': 'true' } },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'app', image: 'x' }] } },
    },
  });
});

afterEach(async () => {
  client.close();
  await api.close();
});

async function live(): Promise<Workload> {
  return (await readWorkload(client, kind, ref, { signal })) as Workload;
}

async function swap(workload: Workload, changes: Partial<Transition> = {}): ReturnType<typeof transition> {
  const by = { by: 'me', reason: 'test', since };
  const request = { kind, workload, to: 'parking', epoch: newEpoch(), wanted: workload.replicas, ...by, ...changes };
  return transition(client, request as Transition, { signal });
}

test('the first transition writes labels and state of a workload that has none, in one patch', async () => {
  const result = await swap(await live(), { epoch: 'e1' });
  expect(result).toMatchObject({ ok: true });
  const token = readToken(await live());
  expect(token).toMatchObject({
    phase: 'parking',
    epoch: 'e1',
    state: { replicas: 2, by: 'me', reason: 'test', since },
  });
  expect(api.audit.writes({ gvr: deployments })).toHaveLength(1);
});

test('replicas go with it, and the count before sleep survives', async () => {
  await swap(await live());
  const parked = await swap(await live(), { to: 'asleep', replicas: 0, testReplicas: 2, wanted: 2 });
  expect(parked).toMatchObject({ ok: true, workload: { replicas: 0 } });
  const { replicas = 0 } = readToken(await live()).state ?? {};
  const woken = await swap(await live(), { to: 'waking', replicas, wanted: replicas });
  expect(woken).toMatchObject({ ok: true, workload: { replicas: 2 } });
  expect(readToken(await live()).state?.replicas).toBe(2);
});

test('status changes in between do not matter', async () => {
  const before = await live();
  await client.request('PATCH', `/apis/apps/v1/namespaces/${ref.namespace}/deployments/${ref.name}/status`, {
    body: { status: { observedGeneration: 1 } },
    contentType: 'application/merge-patch+json',
  });
  expect((await live()).resourceVersion).not.toBe(before.resourceVersion);
  expect(await swap(before)).toMatchObject({ ok: true });
});

describe('nothing is written and the current object is returned when', () => {
  async function expectLost(before: Workload, changes: Partial<Transition>, current: object): Promise<void> {
    const version = api.store.resourceVersion;
    expect(await swap(before, changes)).toMatchObject({ ok: false, current });
    expect(api.store.resourceVersion).toBe(version);
  }

  test('an annotation that is to be tested has changed, come or gone since it was read', async () => {
    const annotate = (value: string | null) =>
      client.patch(kind.kind, ref, { metadata: { annotations: { 'scaler/busy-until': value } } });
    await swap(await live());
    const testAnnotations = ['scaler/busy-until', 'scaler/pause'];
    for (const value of ['a', 'b', null]) {
      const before = await live();
      await annotate(value);
      await expectLost(
        before,
        { testAnnotations },
        value === null ? {} : { annotations: { 'scaler/busy-until': value } },
      );
    }
    expect(await swap(await live(), { testAnnotations })).toMatchObject({ ok: true });
  });

  test('another client was first, from no labels', async () => {
    const before = await live();
    await swap(before, { epoch: 'other' });
    await expectLost(before, {}, { labels: { 'scaler/epoch': 'other' } });
  });

  test('another client was first, from another phase', async () => {
    await swap(await live());
    const before = await live();
    await swap(before, { to: 'waking', epoch: 'other' });
    await expectLost(before, { to: 'asleep', replicas: 0 }, { replicas: 2, labels: { 'scaler/epoch': 'other' } });
  });

  test('the replicas are not those that were tested', async () => {
    const before = await live();
    await expectLost(before, { testReplicas: 3 }, { replicas: 2 });
  });

  test('it is another object of the same name', async () => {
    await expectLost({ ...(await live()), uid: 'other' }, {}, { replicas: 2 });
  });

  test('its annotations appeared meanwhile, which the patch would have replaced', async () => {
    const before = await live();
    await client.patch(kind.kind, ref, { metadata: { annotations: { other: 'x' } } });
    await expectLost({ ...before, annotated: false }, {}, { annotated: true });
  });
});

test('a workload that is gone has no current object', async () => {
  const before = await live();
  api.store.delete(deployments, 'shop', 'web');
  expect(await swap(before)).toEqual({ ok: false, current: undefined });
});

test('the zero is not written over a policy that was changed since: it would delete the claims', async () => {
  const claims = (whenScaled: string) => ({ spec: { persistentVolumeClaimRetentionPolicy: { whenScaled } } });
  const policy = '/spec/persistentVolumeClaimRetentionPolicy/whenScaled';
  const patches = async (changes: Partial<Transition>): Promise<readonly object[]> => {
    const before = api.audit.writes({ gvr: deployments }).length;
    const one = { ...(await live()), claimsWhenScaled: 'Retain' };
    await swap(one, changes);
    const [written] = api.audit.writes({ gvr: deployments }).slice(before);
    return JSON.parse(written?.body ?? '[]') as object[];
  };
  const test = { op: 'test', path: policy, value: 'Retain' };
  expect(await patches({ to: 'asleep', replicas: 0 })).toContainEqual(test);
  expect(await patches({ to: 'waking', replicas: 2 })).not.toContainEqual(test);
  expect(trimDeployment({ ...(await client.get(kind.kind, ref)), ...claims('Delete') }).claimsWhenScaled).toBe(
    'Delete',
  );
});

describe('an answer that was lost', () => {
  test('after the write is recognised by the epoch', async () => {
    api.faults.add({ verb: 'patch', times: 1, action: { type: 'dropAfter' } });
    expect(await swap(await live(), { epoch: 'mine' })).toMatchObject({
      ok: true,
      workload: { labels: { 'scaler/epoch': 'mine' } },
    });
  });

  test('before the write is no success', async () => {
    api.faults.add({ verb: 'patch', times: 1, action: { type: 'dropBefore' } });
    const result = await swap(await live(), { epoch: 'mine' });
    expect(result).toMatchObject({ ok: false, current: { replicas: 2 } });
  });
});

test('other failures are thrown', async () => {
  api.faults.add({ verb: 'patch', times: 1, action: { type: 'error', status: 403 } });
  await expect(swap(await live())).rejects.toMatchObject({ code: 'forbidden' });
});

describe('where only /scale may be written', () => {
  const scaleOnly = { ...kind, scaleOnly: true };

  test('the replicas follow in a second write', async () => {
    const result = await swap(await live(), { kind: scaleOnly, to: 'asleep', replicas: 0, testReplicas: 2 });
    expect(result).toMatchObject({ ok: true, workload: { replicas: 0, labels: { 'scaler/phase': 'asleep' } } });
    expect(api.audit.writes({ gvr: deployments }).map(({ subresource }) => subresource)).toEqual(['', 'scale']);
  });

  test('a conflict is read again, and written if the token is still ours', async () => {
    api.faults.add({
      subresource: 'scale',
      verb: 'update',
      times: 1,
      action: { type: 'hook', hook: (_, phase) => void (phase === 'before' && touch()) },
    });
    expect(await swap(await live(), { kind: scaleOnly, replicas: 0 })).toMatchObject({ ok: true });
    expect((await live()).replicas).toBe(0);
  });

  test('it cannot overtake a transition that came in between', async () => {
    api.faults.add({
      subresource: 'scale',
      verb: 'update',
      times: 1,
      action: { type: 'hook', hook: (_, phase) => void (phase === 'before' && touch({ 'scaler/epoch': 'other' })) },
    });
    expect(await swap(await live(), { kind: scaleOnly, replicas: 0 })).toMatchObject({ ok: false });
    expect((await live()).replicas).toBe(2);
  });

  test('an answer that was lost after the write is found out', async () => {
    api.faults.add({ subresource: 'scale', verb: 'update', times: 1, action: { type: 'dropAfter' } });
    expect(await swap(await live(), { kind: scaleOnly, replicas: 0 })).toMatchObject({ ok: true });
  });

  function touch(labels: Record<string, string> = { touched: 'x' }): void {
    const object = api.store.get(deployments, 'shop', 'web');
    const metadata = { ...object.metadata, labels: { ...object.metadata.labels, ...labels } };
    api.store.update(deployments, { ...object, metadata });
  }
});

test('trimming keeps what is needed and nothing else', async () => {
  const object = await client.get(kind.kind, ref);
  const metadata = { ...object.metadata, annotations: { 'scaler/state': '{}', other: 'x' } };
  const trimmed = trimDeployment({ ...object, metadata });
  expect(trimmed).toMatchObject({ kind: 'Deployment', annotated: true, annotations: { 'scaler/state': '{}' } });
  expect(trimmed.selector).toBe(trimmed.templateLabels);
});

test('a touch is news of the object, and changes neither its token nor what its owner asks for; one that comes late writes nothing', async () => {
  await swap(await live(), { to: 'waking', epoch: 'e1' });
  const before = await live();
  await touch(client, { kind, workload: before }, 1, { signal });
  const after = await live();
  expect(after).toMatchObject({ replicas: 2, labels: before.labels, template: before.template });
  expect(after.resourceVersion).not.toBe(before.resourceVersion);
  expect(readToken(after)).toMatchObject({ phase: 'waking', state: { since, replicas: 2, touched: 1 } });
  await expect(touch(client, { kind, workload: before }, 1, { signal })).rejects.toMatchObject({ code: 'test-failed' });
});
