import assert from 'node:assert/strict';
import {
  at,
  configMap,
  expectRefusal,
  expectStatus,
  get,
  patch,
  patchFails,
  patchTypes,
  type Promised,
  service,
  workload,
} from './steps.ts';

const maps = 'v1/configmaps';
const deployments = 'apps/v1/deployments';

/** Promises about patches. */
export const patchPromises: Promised[] = [
  {
    name: 'one JSON patch writes labels and replicas together, and ~1 stands for the slash in a label',
    async run(api) {
      const { metadata } = await workload(api, 'deployments', {
        labels: { 'scaler/phase': 'awake', 'scaler/epoch': 'a' },
      });
      const after = await patch(api, deployments, metadata.name, 'json', [
        { op: 'test', path: '/metadata/labels/scaler~1phase', value: 'awake' },
        { op: 'test', path: '/metadata/labels/scaler~1epoch', value: 'a' },
        { op: 'test', path: '/spec/replicas', value: 0 },
        { op: 'replace', path: '/metadata/labels/scaler~1phase', value: 'asleep' },
        { op: 'replace', path: '/metadata/labels/scaler~1epoch', value: 'b' },
        { op: 'replace', path: '/spec/replicas', value: 0 },
      ]);
      assert.deepEqual(after.metadata.labels, { 'scaler/phase': 'asleep', 'scaler/epoch': 'b' });
    },
  },
  {
    name: 'a JSON patch whose test fails is 422 Invalid and changes nothing at all',
    async run(api) {
      const { metadata } = await configMap(api);
      const body = await patchFails(api, maps, metadata.name, [
        { op: 'replace', path: '/data/key', value: 'changed' },
        { op: 'test', path: '/metadata/uid', value: 'another' },
      ]);
      assert.equal(body.message, 'the server rejected our request due to an error in our request');
      const now = await get(api, maps, metadata.name);
      assert.deepEqual([now.data.key, now.metadata.resourceVersion], ['value', metadata.resourceVersion]);
    },
  },
  {
    name: 'a test of a missing key fails for every value but null, which is how absence is tested',
    async run(api) {
      const { metadata } = await configMap(api, { metadata: { labels: { there: 'x' } } });
      await patchFails(api, maps, metadata.name, [{ op: 'test', path: '/metadata/labels/missing', value: 'x' }]);
      await patchFails(api, maps, metadata.name, [{ op: 'test', path: '/metadata/labels/missing', value: '' }]);
      await patch(api, maps, metadata.name, 'json', [{ op: 'test', path: '/metadata/labels/missing', value: null }]);
      await patchFails(api, maps, metadata.name, [{ op: 'test', path: '/metadata/labels/there', value: null }]);
      await patchFails(api, maps, metadata.name, [{ op: 'test', path: '/metadata/annotations/missing', value: null }]);
    },
  },
  {
    name: 'of many writers that swap the same token at once exactly one wins, the others get 422',
    async run(api) {
      const { metadata } = await configMap(api, { metadata: { labels: { epoch: 'old' } } });
      const swap = async (value: string): Promise<number> => {
        const body = [
          { op: 'test', path: '/metadata/labels/epoch', value: 'old' },
          { op: 'replace', path: '/metadata/labels/epoch', value },
        ];
        return (await api.request('PATCH', at(api, maps, metadata.name), { body, contentType: patchTypes.json }))
          .status;
      };
      const statuses = await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map(swap));
      assert.deepEqual(statuses.sort(), [200, 422, 422, 422, 422, 422]);
    },
  },
  {
    name: 'a JSON patch below a missing map, and the removal of a missing key, are 422',
    async run(api) {
      const { metadata } = await configMap(api);
      await patchFails(api, maps, metadata.name, [{ op: 'add', path: '/metadata/annotations/a', value: 'x' }]);
      await patchFails(api, maps, metadata.name, [{ op: 'replace', path: '/metadata/annotations/a', value: 'x' }]);
      await patchFails(api, maps, metadata.name, [{ op: 'remove', path: '/data/missing' }]);
      await patchFails(api, maps, metadata.name, [{ op: 'nonsense', path: '/data/key' }]);
      const after = await patch(api, maps, metadata.name, 'json', [
        { op: 'add', path: '/metadata/annotations', value: { a: 'x' } },
      ]);
      assert.deepEqual(after.metadata.annotations, { a: 'x' });
    },
  },
  {
    name: 'a JSON patch that replaces a missing key of a map sets it: only test guards',
    async run(api) {
      const { metadata } = await configMap(api);
      const after = await patch(api, maps, metadata.name, 'json', [
        { op: 'replace', path: '/data/missing', value: 'x' },
      ]);
      assert.deepEqual(after.data, { key: 'value', missing: 'x' });
    },
  },
  {
    name: 'add, remove, move and copy do as RFC 6902 says, in lists too',
    async run(api) {
      const { metadata } = await service(api, {
        ports: [
          { name: 'a', port: 1 },
          { name: 'c', port: 3 },
        ],
      });
      const after = await patch(api, 'v1/services', metadata.name, 'json', [
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
  },
  {
    name: 'a JSON patch may test the resourceVersion, which fails with 422, or set it, which fails with 409',
    async run(api) {
      const { metadata } = await configMap(api);
      await patchFails(api, maps, metadata.name, [{ op: 'test', path: '/metadata/resourceVersion', value: '1' }]);
      const body = [{ op: 'replace', path: '/metadata/resourceVersion', value: '1' }];
      await expectRefusal(api, 409, 'Conflict', 'PATCH', at(api, maps, metadata.name), {
        body,
        contentType: patchTypes.json,
      });
    },
  },
  {
    name: 'a merge patch merges maps, deletes with null, and with a resourceVersion is refused with 409 when that is old',
    async run(api) {
      const { metadata } = await configMap(api, { metadata: { labels: { a: '1', b: '2' } } });
      const after = await patch(api, maps, metadata.name, 'merge', { metadata: { labels: { a: null, c: '3' } } });
      assert.deepEqual(after.metadata.labels, { b: '2', c: '3' });
      const body = { metadata: { resourceVersion: metadata.resourceVersion, labels: { d: '4' } } };
      await expectRefusal(api, 409, 'Conflict', 'PATCH', at(api, maps, metadata.name), {
        body,
        contentType: patchTypes.merge,
      });
      const current = { metadata: { resourceVersion: after.metadata.resourceVersion, labels: { d: '4' } } };
      await patch(api, maps, metadata.name, 'merge', current);
    },
  },
  {
    name: 'a merge patch replaces lists, a strategic merge patch merges containers by name and ports by number',
    async run(api) {
      const { metadata } = await workload(api);
      const container = { name: 'second', image: 'localhost/pause:1' };
      const two = await patch(api, deployments, metadata.name, 'strategic', {
        spec: { template: { spec: { containers: [container] } } },
      });
      assert.deepEqual(two.spec.template.spec.containers.map(({ name }: { name: string }) => name).sort(), [
        'app',
        'second',
      ]);
      const one = await patch(api, deployments, metadata.name, 'merge', {
        spec: { template: { spec: { containers: [container] } } },
      });
      assert.deepEqual(
        one.spec.template.spec.containers.map(({ name }: { name: string }) => name),
        ['second'],
      );
      const {
        metadata: { name },
      } = await service(api);
      const { spec } = await patch(api, 'v1/services', name, 'strategic', {
        spec: { ports: [{ port: 80, targetPort: 8080 }] },
      });
      assert.deepEqual(spec.ports, [{ protocol: 'TCP', port: 80, targetPort: 8080 }]);
    },
  },
  {
    name: 'patches of an unknown type are 415, patches that are no JSON 400, patches to another name 400',
    async run(api) {
      const { metadata } = await configMap(api);
      const path = at(api, maps, metadata.name);
      await expectRefusal(api, 415, 'UnsupportedMediaType', 'PATCH', path, {
        body: {},
        contentType: 'application/nonsense',
      });
      await expectRefusal(api, 400, 'BadRequest', 'PATCH', path, { body: '{"op"', contentType: patchTypes.json });
      await expectRefusal(api, 400, 'BadRequest', 'PATCH', path, { body: [1], contentType: patchTypes.merge });
      await expectRefusal(api, 400, 'BadRequest', 'PATCH', path, {
        body: { metadata: { name: 'other' } },
        contentType: patchTypes.merge,
      });
    },
  },
  {
    name: 'the uid can not be patched',
    async run(api) {
      const { metadata } = await configMap(api);
      const options = { body: { metadata: { uid: 'another' } }, contentType: patchTypes.merge };
      await expectRefusal(api, 422, 'Invalid', 'PATCH', at(api, maps, metadata.name), options);
    },
  },
  {
    name: 'a patch that leads to an invalid object is 422 with the field',
    async run(api) {
      const { metadata } = await workload(api);
      const body = await expectRefusal(api, 422, 'Invalid', 'PATCH', at(api, deployments, metadata.name), {
        body: { spec: { replicas: -1 } },
        contentType: patchTypes.merge,
      });
      assert.deepEqual(body.details.causes, [
        {
          reason: 'FieldValueInvalid',
          message: 'Invalid value: -1: must be greater than or equal to 0',
          field: 'spec.replicas',
        },
      ]);
      await expectStatus(api, 200, 'GET', at(api, deployments, metadata.name));
    },
  },
];
