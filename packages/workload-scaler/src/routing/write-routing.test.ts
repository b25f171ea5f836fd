import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type FakeApi, type FaultHook, startFakeApi } from '@scaler/testing-kit/kubernetes';
import { addSelectorKey, deleteSlice, removeSelectorKey, touchService, writeSlice } from './write-routing.ts';
import { buildSlices, type SliceInfo, trimSlice } from './slices.ts';
import { type CallOptions, type EndpointSlice, type KubeClient, kinds } from '@scaler/kube';
import { portLabel } from '../ports/port-label.ts';
import { type ServiceInfo, trimService } from './service-info.ts';
import { trimDeployment } from '../testing/kinds.ts';
import { labelPatch } from '../workload/labels.ts';
import { clientOf } from '../testing/fake-client.ts';

const ref = { namespace: 'shop', name: 'web' };
const options = { signal: new AbortController().signal };

let api: FakeApi;
let client: KubeClient;

beforeEach(async () => {
  api = await startFakeApi();
  client = await clientOf(api);
  await client.create(kinds.namespace, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
  await createService();
});

afterEach(async () => {
  client.close();
  await api.close();
});

async function createService(): Promise<void> {
  await client.create(kinds.service, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: ref,
    spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
  });
}

async function service(): Promise<ServiceInfo> {
  return trimService(await client.get(kinds.service, ref));
}

async function wanted(epoch: string, addresses = ['10.0.0.1'], keyAt?: string): Promise<EndpointSlice> {
  const ports = [{ name: 'http', listenPort: 20_001 }];
  const [slice] = buildSlices({ service: await service(), resource: 'web', epoch, keyAt, addresses, ports });
  return slice as EndpointSlice;
}

async function slices(): Promise<SliceInfo[]> {
  return (await client.list(kinds.endpointSlice, { namespace: 'shop', trim: trimSlice })).items;
}

describe('a slice', () => {
  test('is created, replaced when it differs, and not written when it does not', async () => {
    expect(await writeSlice(client, await wanted('e1'), undefined, options)).toBe(true);
    const [first] = await slices();
    expect(await writeSlice(client, await wanted('e1'), first, options)).toBe(false);
    expect(await writeSlice(client, await wanted('e2', ['10.0.0.2']), first, options)).toBe(true);
    const [second] = await slices();
    expect(second).toMatchObject({ epoch: 'e2', endpoints: [{ address: '10.0.0.2' }], uid: first?.uid });
    expect(api.audit.writes({ gvr: 'discovery.k8s.io/v1/endpointslices' })).toHaveLength(2);
  });

  test('of a Service that was recreated is deleted and made anew', async () => {
    await writeSlice(client, await wanted('e1'), undefined, options);
    const [old] = await slices();
    await client.delete(kinds.service, ref);
    await createService();
    // The garbage collector is late.
    const left = { ...(old as SliceInfo) };
    expect(await writeSlice(client, await wanted('e1'), left, options)).toBe(true);
    const [fresh] = await slices();
    expect(fresh?.uid).not.toBe(old?.uid);
    expect(fresh?.ownerUid).toBe((await service()).uid);
  });

  test('that another client wrote meanwhile is not overwritten', async () => {
    await writeSlice(client, await wanted('e1'), undefined, options);
    const [old] = await slices();
    await writeSlice(client, await wanted('e2'), old, options);
    await expect(writeSlice(client, await wanted('e3'), old, options)).rejects.toMatchObject({ code: 'conflict' });
    await expect(writeSlice(client, await wanted('e3'), undefined, options)).rejects.toMatchObject({
      code: 'already-exists',
    });
    await expect(deleteSlice(client, old as SliceInfo, options)).rejects.toMatchObject({ code: 'conflict' });
  });

  test('whose write got no answer is looked up', async () => {
    const drop = { resource: 'endpointslices', times: 1 } as const;
    api.faults.add({ ...drop, verb: 'create', action: { type: 'dropAfter' } });
    expect(await writeSlice(client, await wanted('e1'), undefined, options)).toBe(true);
    const [first] = await slices();
    api.faults.add({ ...drop, verb: 'update', action: { type: 'dropAfter' } });
    expect(await writeSlice(client, await wanted('e2'), first, options)).toBe(true);
    const [second] = await slices();
    api.faults.add({ ...drop, verb: 'delete', action: { type: 'dropAfter' } });
    expect(await deleteSlice(client, second as SliceInfo, options)).toBe(true);
    expect(await slices()).toEqual([]);
    expect(await deleteSlice(client, second as SliceInfo, options)).toBe(false);
  });
});

describe('the selector key', () => {
  test('is added and removed again, and nothing else of the Service changes', async () => {
    const before = await client.get(kinds.service, ref);
    expect(await addSelectorKey(client, await service(), 'e1', options)).toBe(true);
    expect((await service()).selector).toEqual({ app: 'web', 'scaler/asleep': 'e1' });
    expect(await addSelectorKey(client, await service(), 'e1', options)).toBe(false);
    expect(await addSelectorKey(client, await service(), 'e2', options)).toBe(true);
    expect(await removeSelectorKey(client, await service(), options)).toBe(true);
    expect(await removeSelectorKey(client, await service(), options)).toBe(false);
    expect((await client.get(kinds.service, ref)).spec).toEqual(before.spec);
  });

  test('that is not as read is left alone', async () => {
    const before = await service();
    await addSelectorKey(client, before, 'e1', options);
    const keyed = await service();
    await addSelectorKey(client, keyed, 'e2', options);
    const lost = { code: 'test-failed' };
    await expect(addSelectorKey(client, before, 'e3', options)).rejects.toMatchObject(lost);
    await expect(removeSelectorKey(client, keyed, options)).rejects.toMatchObject(lost);
    const recreated = { ...(await service()), uid: 'other' };
    await expect(removeSelectorKey(client, recreated, options)).rejects.toMatchObject(lost);
    expect((await service()).selector?.['scaler/asleep']).toBe('e2');
  });

  test('whose write got no answer is looked up', async () => {
    api.faults.add({ verb: 'patch', times: 1, action: { type: 'dropAfter' } });
    expect(await addSelectorKey(client, await service(), 'e1', options)).toBe(true);
    api.faults.add({ verb: 'patch', times: 1, action: { type: 'dropAfter' } });
    expect(await removeSelectorKey(client, await service(), options)).toBe(true);
    expect((await service()).selector).toEqual({ app: 'web' });
  });
});

describe('a write that the API does long after its client has given up', () => {
  /** Sends a write, gives it up once it has arrived, and lets it be done at the end of `meanwhile`. Resolves with its status. */
  async function doLate(
    write: (options: { signal: AbortSignal }) => Promise<unknown>,
    meanwhile: () => Promise<unknown>,
  ) {
    const arrived = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    const hook: FaultHook = async (_, phase) => {
      if (phase === 'after') return;
      arrived.resolve();
      await released.promise;
    };
    const giveUp = new AbortController();
    const isSent = api.faults.add({
      verb: ['create', 'update', 'patch', 'delete'],
      times: 1,
      action: { type: 'hook', hook },
    });
    const failed = expect(write({ signal: giveUp.signal })).rejects.toMatchObject({ code: 'aborted' });
    await arrived.promise;
    isSent.remove();
    giveUp.abort();
    await failed;
    await meanwhile();
    const { promise, resolve } = Promise.withResolvers<number>();
    const stop = api.audit.onEntry(({ status }) => resolve(status));
    released.resolve();
    return promise.finally(stop);
  }

  test('adds no key once the same one was added and taken away again', async () => {
    const read = await service();
    const add = (options: CallOptions) => addSelectorKey(client, read, 'e1', options);
    const status = await doLate(add, async () => {
      expect(await add(options)).toBe(true);
      await removeSelectorKey(client, await service(), options);
    });
    expect(status).toBe(422);
    expect((await service()).selector).toEqual({ app: 'web' });
  });

  test('adds no key once the Service was touched', async () => {
    const read = await service();
    const status = await doLate(
      (options) => addSelectorKey(client, read, 'e1', options),
      () => touchService(client, read, options),
    );
    expect(status).toBe(422);
    expect(await service()).toMatchObject({ selector: { app: 'web' }, touched: true });
  });

  test('leaves no mark on a Service that was touched by another leader', async () => {
    const read = await service();
    const status = await doLate(
      (options) => touchService(client, read, options),
      async () => {
        await touchService(client, read, options);
        await touchService(client, await service(), options);
      },
    );
    expect(status).toBe(422);
    expect(await service()).toMatchObject({ touched: false, annotated: false });
  });

  test('deletes no slice that says meanwhile that a key may come', async () => {
    await writeSlice(client, await wanted('e1'), undefined, options);
    const [old] = (await slices()) as [SliceInfo];
    const status = await doLate(
      (options) => deleteSlice(client, old, options),
      async () => writeSlice(client, await wanted('e1', ['10.0.0.1'], '50'), old, options),
    );
    expect(status).toBe(409);
    expect(await slices()).toMatchObject([{ keyAt: '50' }]);
  });
});

test('port labels are written if they are as read', async () => {
  const created = await client.create(kinds.deployment, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { ...ref, labels: { 'scaler/enabled': 'true', [portLabel('old', 1)]: '1' } },
    spec: {
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'app', image: 'x' }] } },
    },
  });
  const patch = {
    workload: trimDeployment(created),
    labels: { [portLabel('web', 80)]: '20001', [portLabel('old', 1)]: null },
  };
  const write = () => client.patch(kinds.deployment, patch.workload, labelPatch(patch.workload, patch.labels), options);
  await write();
  const { metadata } = await client.get(kinds.deployment, ref);
  expect(metadata?.labels).toEqual({ 'scaler/enabled': 'true', 'scaler/port-web-80': '20001' });
  await expect(write()).rejects.toMatchObject({
    code: 'test-failed',
  });
});
