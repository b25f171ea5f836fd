import assert from 'node:assert/strict';
import { at, configMap, create, expectRefusal, expectStatus, get, patch, type Promised, workload } from './steps.ts';

/** Promises about creating, reading and replacing objects. */
export const objectPromises: Promised[] = [
  {
    name: 'a created object is answered with 201, its kind, a uid, a resourceVersion and a creation time in whole seconds',
    async run(api) {
      const { kind, apiVersion, metadata } = await configMap(api);
      assert.deepEqual([kind, apiVersion, metadata.namespace], ['ConfigMap', 'v1', api.namespace]);
      assert.match(metadata.uid, /^[0-9a-f-]{36}$/);
      assert.match(metadata.resourceVersion, /^\d+$/);
      assert.match(metadata.creationTimestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    },
  },
  {
    name: 'generateName makes a new name each time',
    async run(api) {
      const names = await Promise.all([1, 2, 3].map(async () => (await configMap(api)).metadata.name as string));
      assert.equal(new Set(names).size, 3);
      for (const name of names) assert.match(name, /^promise-[a-z0-9]{5}$/);
    },
  },
  {
    name: 'a name that is taken is refused with 409 AlreadyExists',
    async run(api) {
      const { metadata } = await configMap(api);
      const body = await expectRefusal(api, 409, 'AlreadyExists', 'POST', at(api, 'v1/configmaps'), {
        body: { metadata: { name: metadata.name } },
      });
      assert.deepEqual(body.details, { name: metadata.name, kind: 'configmaps' });
      assert.equal(body.message, `configmaps "${metadata.name}" already exists`);
    },
  },
  {
    name: 'a missing object is 404 NotFound for every verb, and the Status names it',
    async run(api) {
      const path = at(api, 'apps/v1/deployments', 'none');
      for (const method of ['GET', 'DELETE']) {
        const body = await expectRefusal(api, 404, 'NotFound', method, path);
        assert.deepEqual(body.details, { name: 'none', group: 'apps', kind: 'deployments' });
        assert.equal(body.message, 'deployments.apps "none" not found');
      }
      await expectRefusal(api, 404, 'NotFound', 'PATCH', path, {
        body: {},
        contentType: 'application/merge-patch+json',
      });
      await expectRefusal(api, 404, 'NotFound', 'GET', `${path}/scale`);
    },
  },
  {
    name: 'a namespace that is not there refuses new objects with 404 and names itself',
    async run(api) {
      const body = await expectRefusal(
        api,
        404,
        'NotFound',
        'POST',
        '/api/v1/namespaces/no-such-namespace/configmaps',
        { body: { metadata: { name: 'a' } } },
      );
      assert.deepEqual(body.details, { name: 'no-such-namespace', kind: 'namespaces' });
    },
  },
  {
    name: 'PUT with an old resourceVersion is 409 Conflict, with the current one 200, and without one it always wins',
    async run(api) {
      const first = await configMap(api);
      const path = at(api, 'v1/configmaps', first.metadata.name);
      const second = await expectStatus(api, 200, 'PUT', path, { body: { ...first, data: { key: 'second' } } });
      assert.ok(Number(second.metadata.resourceVersion) > Number(first.metadata.resourceVersion));
      const body = await expectRefusal(api, 409, 'Conflict', 'PUT', path, {
        body: { ...first, data: { key: 'third' } },
      });
      assert.match(
        body.message,
        /^Operation cannot be fulfilled on configmaps "promise-\w+": the object has been modified; please apply your changes/,
      );
      const third = await expectStatus(api, 200, 'PUT', path, {
        body: { metadata: { name: first.metadata.name }, data: { key: 'third' } },
      });
      assert.deepEqual([third.data.key, third.metadata.uid], ['third', first.metadata.uid]);
    },
  },
  {
    name: 'a write that changes nothing keeps the resourceVersion',
    async run(api) {
      const { metadata, ...rest } = await configMap(api);
      const put = await expectStatus(api, 200, 'PUT', at(api, 'v1/configmaps', metadata.name), {
        body: { metadata, ...rest },
      });
      const patched = await patch(api, 'v1/configmaps', metadata.name, 'merge', { data: { key: 'value' } });
      assert.deepEqual(
        [put.metadata.resourceVersion, patched.metadata.resourceVersion],
        [metadata.resourceVersion, metadata.resourceVersion],
      );
    },
  },
  {
    name: 'PUT to another uid is 409 Conflict',
    async run(api) {
      const { metadata } = await configMap(api);
      const body = { metadata: { name: metadata.name, uid: '11111111-1111-1111-1111-111111111111' } };
      await expectRefusal(api, 409, 'Conflict', 'PUT', at(api, 'v1/configmaps', metadata.name), { body });
    },
  },
  {
    name: 'PUT of a missing object is 404 for most kinds, and creates Services and Leases',
    async run(api) {
      const put = { metadata: { name: 'put-of-nothing' } };
      await expectRefusal(api, 404, 'NotFound', 'PUT', at(api, 'v1/configmaps', 'put-of-nothing'), { body: put });
      await expectRefusal(
        api,
        404,
        'NotFound',
        'PUT',
        at(api, 'discovery.k8s.io/v1/endpointslices', 'put-of-nothing'),
        { body: { ...put, addressType: 'IPv4' } },
      );
      await expectStatus(api, 201, 'PUT', at(api, 'coordination.k8s.io/v1/leases', 'put-of-nothing'), {
        body: { ...put, spec: {} },
      });
      await expectStatus(api, 201, 'PUT', at(api, 'v1/services', 'put-of-nothing'), {
        body: { ...put, spec: { ports: [{ port: 80 }] } },
      });
    },
  },
  {
    name: 'a body for another name, namespace or kind is 400 BadRequest',
    async run(api) {
      const { metadata } = await configMap(api);
      await expectRefusal(api, 400, 'BadRequest', 'PUT', at(api, 'v1/configmaps', metadata.name), {
        body: { metadata: { name: 'other' } },
      });
      await expectRefusal(api, 400, 'BadRequest', 'POST', at(api, 'v1/configmaps'), {
        body: { metadata: { name: 'a', namespace: 'other' } },
      });
      await expectRefusal(api, 400, 'BadRequest', 'POST', at(api, 'v1/configmaps'), {
        body: { kind: 'Pod', apiVersion: 'v1', metadata: { name: 'a' } },
      });
      await expectRefusal(api, 400, 'BadRequest', 'POST', at(api, 'v1/configmaps'), { body: 'no JSON' });
    },
  },
  {
    name: 'methods that make no sense where they are sent are 405',
    async run(api) {
      await expectRefusal(api, 405, 'MethodNotAllowed', 'POST', at(api, 'v1/configmaps', 'a'), { body: {} });
      await expectRefusal(api, 405, 'MethodNotAllowed', 'PUT', at(api, 'v1/configmaps'), { body: {} });
    },
  },
  {
    name: 'a resource that its group does not have is 404 without details',
    async run(api) {
      const body = await expectRefusal(api, 404, 'NotFound', 'GET', at(api, 'apps/v1/nonsense'));
      assert.equal(body.message, 'the server could not find the requested resource');
    },
  },
  {
    name: 'bad names, labels, annotations, finalizers and owners are 422 Invalid with the field of each',
    async run(api) {
      const refuse = async (metadata: object): Promise<string[]> => {
        const { details } = await expectRefusal(api, 422, 'Invalid', 'POST', at(api, 'v1/configmaps'), {
          body: { metadata },
        });
        return [...new Set<string>(details.causes.map(({ field }: { field: string }) => field))];
      };
      assert.deepEqual(await refuse({ name: 'Upper' }), ['metadata.name']);
      assert.deepEqual(await refuse({}), ['metadata.name']);
      assert.deepEqual(await refuse({ name: 'a', labels: { 'a b': 'x' } }), ['metadata.labels']);
      assert.deepEqual(await refuse({ name: 'a', labels: { ok: 'not ok!' } }), ['metadata.labels']);
      assert.deepEqual(await refuse({ name: 'a', labels: { long: 'x'.repeat(64) } }), ['metadata.labels']);
      assert.deepEqual(await refuse({ name: 'a', annotations: { 'a b': 'x' } }), ['metadata.annotations']);
      assert.deepEqual(await refuse({ name: 'a', finalizers: ['nope'] }), ['metadata.finalizers[0]']);
      const owner = await refuse({ name: 'a', ownerReferences: [{ name: 'x' }] });
      assert.deepEqual(owner.sort(), [
        'metadata.ownerReferences.apiVersion',
        'metadata.ownerReferences.kind',
        'metadata.ownerReferences.uid',
      ]);
    },
  },
  {
    name: 'an owner of the same namespace is accepted and kept',
    async run(api) {
      const owner = await configMap(api);
      const reference = { apiVersion: 'v1', kind: 'ConfigMap', name: owner.metadata.name, uid: owner.metadata.uid };
      const owned = await configMap(api, { metadata: { ownerReferences: [reference] } });
      assert.deepEqual(owned.metadata.ownerReferences, [reference]);
    },
  },
  {
    name: 'dryRun=All answers as if and does nothing',
    async run(api) {
      const query = { dryRun: 'All' };
      const would = await expectStatus(api, 201, 'POST', at(api, 'v1/configmaps'), {
        query,
        body: { metadata: { name: 'dry' } },
      });
      assert.equal(would.metadata.name, 'dry');
      await expectRefusal(api, 404, 'NotFound', 'GET', at(api, 'v1/configmaps', 'dry'));
      const { metadata } = await configMap(api);
      await expectStatus(api, 200, 'DELETE', at(api, 'v1/configmaps', metadata.name), { query });
      const still = await get(api, 'v1/configmaps', metadata.name);
      assert.equal(still.metadata.resourceVersion, metadata.resourceVersion);
    },
  },
  {
    name: 'a workload is filled in: replicas, strategy, probes, ports, grace period',
    async run(api) {
      const { spec } = await workload(api);
      assert.equal(spec.replicas, 0);
      assert.deepEqual(spec.strategy, {
        type: 'RollingUpdate',
        rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' },
      });
      assert.equal(spec.template.spec.terminationGracePeriodSeconds, 30);
      assert.deepEqual(spec.template.spec.containers[0].ports, [{ containerPort: 80, protocol: 'TCP' }]);
      const unsaid = await create(api, 'apps/v1/deployments', {
        metadata: { labels: { x: 'y' } },
        spec: {
          paused: true,
          selector: spec.selector,
          template: { ...spec.template, spec: { ...spec.template.spec, schedulerName: 'none' } },
        },
      });
      assert.equal(unsaid.spec.replicas, 1);
      await expectStatus(api, 200, 'DELETE', at(api, 'apps/v1/deployments', unsaid.metadata.name));
    },
  },
];
