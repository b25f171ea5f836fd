import assert from 'node:assert/strict';
import { type Checks, patchTypes } from './checked-api.ts';

const maps = 'v1/configmaps';
const deployments = 'apps/v1/deployments';

/** Promises about patches. */
export const patchPromises: Checks = {
  async 'one JSON patch writes labels and replicas together, and ~1 stands for the slash in a label'(api) {
    const { metadata } = await api.workload('deployments', {
      labels: { 'scaler/phase': 'awake', 'scaler/epoch': 'a' },
    });
    const after = await api.patch(deployments, metadata.name, 'json', [
      { op: 'test', path: '/metadata/labels/scaler~1phase', value: 'awake' },
      { op: 'test', path: '/metadata/labels/scaler~1epoch', value: 'a' },
      { op: 'test', path: '/spec/replicas', value: 0 },
      { op: 'replace', path: '/metadata/labels/scaler~1phase', value: 'asleep' },
      { op: 'replace', path: '/metadata/labels/scaler~1epoch', value: 'b' },
      { op: 'replace', path: '/spec/replicas', value: 0 },
    ]);
    assert.deepEqual(after.metadata.labels, { 'scaler/phase': 'asleep', 'scaler/epoch': 'b' });
  },

  async 'a JSON patch whose test fails is 422 Invalid and changes nothing at all'(api) {
    const { metadata } = await api.configMap();
    const body = await api.patchFails(maps, metadata.name, [
      { op: 'replace', path: '/data/key', value: 'changed' },
      { op: 'test', path: '/metadata/uid', value: 'another' },
    ]);
    assert.equal(body.message, 'the server rejected our request due to an error in our request');
    const now = await api.get(maps, metadata.name);
    assert.deepEqual([now.data.key, now.metadata.resourceVersion], ['value', metadata.resourceVersion]);
  },

  async 'a test of a missing key fails for every value but null, which is how absence is tested'(api) {
    const { metadata } = await api.configMap({ metadata: { labels: { there: 'x' } } });
    await api.patchFails(maps, metadata.name, [{ op: 'test', path: '/metadata/labels/missing', value: 'x' }]);
    await api.patchFails(maps, metadata.name, [{ op: 'test', path: '/metadata/labels/missing', value: '' }]);
    await api.patch(maps, metadata.name, 'json', [{ op: 'test', path: '/metadata/labels/missing', value: null }]);
    await api.patchFails(maps, metadata.name, [{ op: 'test', path: '/metadata/labels/there', value: null }]);
    await api.patchFails(maps, metadata.name, [{ op: 'test', path: '/metadata/annotations/missing', value: null }]);
  },

  async 'of many writers that swap the same token at once exactly one wins, the others get 422'(api) {
    const { metadata } = await api.configMap({ metadata: { labels: { epoch: 'old' } } });
    const swap = async (value: string): Promise<number> => {
      const body = [
        { op: 'test', path: '/metadata/labels/epoch', value: 'old' },
        { op: 'replace', path: '/metadata/labels/epoch', value },
      ];
      return (await api.request('PATCH', api.at(maps, metadata.name), { body, contentType: patchTypes.json })).status;
    };
    const statuses = await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map(swap));
    assert.deepEqual(statuses.sort(), [200, 422, 422, 422, 422, 422]);
  },

  async 'a JSON patch below a missing map, and the removal of a missing key, are 422'(api) {
    const { metadata } = await api.configMap();
    await api.patchFails(maps, metadata.name, [{ op: 'add', path: '/metadata/annotations/a', value: 'x' }]);
    await api.patchFails(maps, metadata.name, [{ op: 'replace', path: '/metadata/annotations/a', value: 'x' }]);
    await api.patchFails(maps, metadata.name, [{ op: 'remove', path: '/data/missing' }]);
    await api.patchFails(maps, metadata.name, [{ op: 'nonsense', path: '/data/key' }]);
    const after = await api.patch(maps, metadata.name, 'json', [
      { op: 'add', path: '/metadata/annotations', value: { a: 'x' } },
    ]);
    assert.deepEqual(after.metadata.annotations, { a: 'x' });
  },

  async 'a JSON patch that replaces a missing key of a map sets it: only test guards'(api) {
    const { metadata } = await api.configMap();
    const after = await api.patch(maps, metadata.name, 'json', [{ op: 'replace', path: '/data/missing', value: 'x' }]);
    assert.deepEqual(after.data, { key: 'value', missing: 'x' });
  },

  async 'add, remove, move and copy do as RFC 6902 says, in lists too'(api) {
    const { metadata } = await api.service({
      ports: [
        { name: 'a', port: 1 },
        { name: 'c', port: 3 },
      ],
    });
    const after = await api.patch('v1/services', metadata.name, 'json', [
      { op: 'add', path: '/spec/ports/1', value: { name: 'b', port: 2 } },
      { op: 'add', path: '/spec/ports/-', value: { name: 'd', port: 4 } },
      { op: 'remove', path: '/spec/ports/0' },
      { op: 'copy', from: '/spec/selector/app', path: '/spec/selector/copy' },
      { op: 'move', from: '/spec/selector/app', path: '/spec/selector/moved' },
    ]);
    assert.deepEqual(
      after.spec.ports.map(({ name }: { name: string }) => name),
      ['b', 'c', 'd'],
    );
    assert.deepEqual(after.spec.selector, { copy: 'none', moved: 'none' });
  },

  async 'a JSON patch may test the resourceVersion, which fails with 422, or set it, which fails with 409'(api) {
    const { metadata } = await api.configMap();
    await api.patchFails(maps, metadata.name, [{ op: 'test', path: '/metadata/resourceVersion', value: '1' }]);
    const body = [{ op: 'replace', path: '/metadata/resourceVersion', value: '1' }];
    await api.refusePatch('Conflict', maps, metadata.name, 'json', body);
  },

  async 'of many JSON patches that test the same resourceVersion at once one is done: on a conflict it is tested anew'(
    api,
  ) {
    const { metadata } = await api.service();
    const write = async (value: string): Promise<number> => {
      const body = [
        { op: 'test', path: '/metadata/resourceVersion', value: metadata.resourceVersion },
        { op: 'add', path: '/spec/selector/added', value },
      ];
      const path = api.at('v1/services', metadata.name);
      return (await api.request('PATCH', path, { body, contentType: patchTypes.json })).status;
    };
    const statuses = await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map(write));
    assert.deepEqual(statuses.sort(), [200, 422, 422, 422, 422, 422]);
  },

  async 'a merge patch merges maps, deletes with null, and with a resourceVersion is refused with 409 when that is old'(
    api,
  ) {
    const { metadata } = await api.configMap({ metadata: { labels: { a: '1', b: '2' } } });
    const after = await api.patch(maps, metadata.name, 'merge', { metadata: { labels: { a: null, c: '3' } } });
    assert.deepEqual(after.metadata.labels, { b: '2', c: '3' });
    const body = { metadata: { resourceVersion: metadata.resourceVersion, labels: { d: '4' } } };
    await api.refusePatch('Conflict', maps, metadata.name, 'merge', body);
    const current = { metadata: { resourceVersion: after.metadata.resourceVersion, labels: { d: '4' } } };
    await api.patch(maps, metadata.name, 'merge', current);
  },

  async 'a merge patch replaces lists, a strategic merge patch merges containers by name and ports by number'(api) {
    const { metadata } = await api.workload();
    const container = { name: 'second', image: 'localhost/pause:1' };
    const two = await api.patch(deployments, metadata.name, 'strategic', {
      spec: { template: { spec: { containers: [container] } } },
    });
    assert.deepEqual(two.spec.template.spec.containers.map(({ name }: { name: string }) => name).sort(), [
      'app',
      'second',
    ]);
    const one = await api.patch(deployments, metadata.name, 'merge', {
      spec: { template: { spec: { containers: [container] } } },
    });
    assert.deepEqual(
      one.spec.template.spec.containers.map(({ name }: { name: string }) => name),
      ['second'],
    );
    const {
      metadata: { name },
    } = await api.service();
    const { spec } = await api.patch('v1/services', name, 'strategic', {
      spec: { ports: [{ port: 80, targetPort: 8080 }] },
    });
    assert.deepEqual(spec.ports, [{ protocol: 'TCP', port: 80, targetPort: 8080 }]);
  },

  async 'patches of an unknown type are 415, patches that are no JSON 400, patches to another name 400'(api) {
    const { metadata } = await api.configMap();
    const nonsense = { body: {}, contentType: 'application/nonsense' };
    await api.refuse('UnsupportedMediaType', 'PATCH', api.at(maps, metadata.name), nonsense);
    await api.refusePatch('BadRequest', maps, metadata.name, 'json', '{"op"');
    await api.refusePatch('BadRequest', maps, metadata.name, 'merge', [1]);
    await api.refusePatch('BadRequest', maps, metadata.name, 'merge', { metadata: { name: 'other' } });
  },

  async 'the uid can not be patched'(api) {
    const { metadata } = await api.configMap();
    await api.refusePatch('Invalid', maps, metadata.name, 'merge', { metadata: { uid: 'another' } });
  },

  async 'a patch that leads to an invalid object is 422 with the field'(api) {
    const { metadata } = await api.workload();
    const body = await api.refusePatch('Invalid', deployments, metadata.name, 'merge', { spec: { replicas: -1 } });
    assert.deepEqual(body.details.causes, [
      {
        reason: 'FieldValueInvalid',
        message: 'Invalid value: -1: must be greater than or equal to 0',
        field: 'spec.replicas',
      },
    ]);
    await api.demand(200, 'GET', api.at(deployments, metadata.name));
  },
};
