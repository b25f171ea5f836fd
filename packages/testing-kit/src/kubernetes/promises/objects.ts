import assert from 'node:assert/strict';
import { type Checks } from './checked-api.ts';

const maps = 'v1/configmaps';

/** Promises about creating, reading and replacing objects. */
export const objectPromises: Checks = {
  async 'a created object is answered with 201, its kind, a uid, a resourceVersion and a creation time in whole seconds'(
    api,
  ) {
    const { kind, apiVersion, metadata } = await api.configMap();
    assert.deepEqual([kind, apiVersion, metadata.namespace], ['ConfigMap', 'v1', api.namespace]);
    assert.match(metadata.uid, /^[0-9a-f-]{36}$/);
    assert.match(metadata.resourceVersion, /^\d+$/);
    assert.match(metadata.creationTimestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  },

  async 'generateName makes a new name each time'(api) {
    const names = await Promise.all([1, 2, 3].map(async () => (await api.configMap()).metadata.name as string));
    assert.equal(new Set(names).size, 3);
    for (const name of names) assert.match(name, /^promise-[a-z0-9]{5}$/);
  },

  async 'a name that is taken is refused with 409 AlreadyExists'(api) {
    const { metadata } = await api.configMap();
    const body = await api.refuseCreate('AlreadyExists', maps, { metadata: { name: metadata.name } });
    assert.deepEqual(body.details, { name: metadata.name, kind: 'configmaps' });
    assert.equal(body.message, `configmaps "${metadata.name}" already exists`);
  },

  async 'a missing object is 404 NotFound for every verb, and the Status names it'(api) {
    const path = api.at('apps/v1/deployments', 'none');
    for (const method of ['GET', 'DELETE']) {
      const body = await api.refuse('NotFound', method, path);
      assert.deepEqual(body.details, { name: 'none', group: 'apps', kind: 'deployments' });
      assert.equal(body.message, 'deployments.apps "none" not found');
    }
    await api.refusePatch('NotFound', 'apps/v1/deployments', 'none', 'merge', {});
    await api.missing('apps/v1/deployments', 'none', 'scale');
  },

  async 'a namespace that is not there refuses new objects with 404 and names itself'(api) {
    const body = await api.refuse('NotFound', 'POST', '/api/v1/namespaces/no-such-namespace/configmaps', {
      body: { metadata: { name: 'a' } },
    });
    assert.deepEqual(body.details, { name: 'no-such-namespace', kind: 'namespaces' });
  },

  async 'PUT with an old resourceVersion is 409 Conflict, with the current one 200, and without one it always wins'(
    api,
  ) {
    const first = await api.configMap();
    const { name } = first.metadata;
    const second = await api.replace(maps, name, { ...first, data: { key: 'second' } });
    assert.ok(Number(second.metadata.resourceVersion) > Number(first.metadata.resourceVersion));
    const body = await api.refuseReplace('Conflict', maps, name, { ...first, data: { key: 'third' } });
    assert.match(
      body.message,
      /^Operation cannot be fulfilled on configmaps "promise-\w+": the object has been modified; please apply your changes/,
    );
    const third = await api.replace(maps, name, { metadata: { name }, data: { key: 'third' } });
    assert.deepEqual([third.data.key, third.metadata.uid], ['third', first.metadata.uid]);
  },

  async 'a write that changes nothing keeps the resourceVersion'(api) {
    const { metadata, ...rest } = await api.configMap();
    const put = await api.replace(maps, metadata.name, { metadata, ...rest });
    const patched = await api.patch(maps, metadata.name, 'merge', { data: { key: 'value' } });
    assert.deepEqual(
      [put.metadata.resourceVersion, patched.metadata.resourceVersion],
      [metadata.resourceVersion, metadata.resourceVersion],
    );
  },

  async 'PUT to another uid is 409 Conflict'(api) {
    const { metadata } = await api.configMap();
    const body = { metadata: { name: metadata.name, uid: '11111111-1111-1111-1111-111111111111' } };
    await api.refuseReplace('Conflict', maps, metadata.name, body);
  },

  async 'PUT of a missing object is 404 for most kinds, and creates Services and Leases'(api) {
    const put = { metadata: { name: 'put-of-nothing' } };
    await api.refuseReplace('NotFound', maps, 'put-of-nothing', put);
    const slice = { ...put, addressType: 'IPv4' };
    await api.refuseReplace('NotFound', 'discovery.k8s.io/v1/endpointslices', 'put-of-nothing', slice);
    await api.demand(201, 'PUT', api.at('coordination.k8s.io/v1/leases', 'put-of-nothing'), {
      body: { ...put, spec: {} },
    });
    await api.demand(201, 'PUT', api.at('v1/services', 'put-of-nothing'), {
      body: { ...put, spec: { ports: [{ port: 80 }] } },
    });
  },

  async 'a body for another name, namespace or kind is 400 BadRequest'(api) {
    const { metadata } = await api.configMap();
    await api.refuseReplace('BadRequest', maps, metadata.name, { metadata: { name: 'other' } });
    await api.refuseCreate('BadRequest', maps, { metadata: { name: 'a', namespace: 'other' } });
    await api.refuseCreate('BadRequest', maps, { kind: 'Pod', apiVersion: 'v1', metadata: { name: 'a' } });
    await api.refuseCreate('BadRequest', maps, 'no JSON');
  },

  async 'methods that make no sense where they are sent are 405'(api) {
    await api.refuse('MethodNotAllowed', 'POST', api.at(maps, 'a'), { body: {} });
    await api.refuse('MethodNotAllowed', 'PUT', api.at(maps), { body: {} });
  },

  async 'a resource that its group does not have is 404 without details'(api) {
    const body = await api.refuse('NotFound', 'GET', api.at('apps/v1/nonsense'));
    assert.equal(body.message, 'the server could not find the requested resource');
  },

  async 'bad names, labels, annotations, finalizers and owners are 422 Invalid with the field of each'(api) {
    const refuse = async (metadata: object): Promise<string[]> => {
      const { details } = await api.refuseCreate('Invalid', maps, { metadata });
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

  async 'an owner of the same namespace is accepted and kept'(api) {
    const owner = await api.configMap();
    const reference = { apiVersion: 'v1', kind: 'ConfigMap', name: owner.metadata.name, uid: owner.metadata.uid };
    const owned = await api.configMap({ metadata: { ownerReferences: [reference] } });
    assert.deepEqual(owned.metadata.ownerReferences, [reference]);
  },

  async 'dryRun=All answers as if and does nothing'(api) {
    const query = { dryRun: 'All' };
    const would = await api.demand(201, 'POST', api.at(maps), {
      query,
      body: { metadata: { name: 'dry' } },
    });
    assert.equal(would.metadata.name, 'dry');
    await api.missing(maps, 'dry');
    const { metadata } = await api.configMap();
    await api.demand(200, 'DELETE', api.at(maps, metadata.name), { query });
    const still = await api.get(maps, metadata.name);
    assert.equal(still.metadata.resourceVersion, metadata.resourceVersion);
  },

  async 'a workload is filled in: replicas, strategy, probes, ports, grace period'(api) {
    const { spec } = await api.workload();
    assert.equal(spec.replicas, 0);
    assert.deepEqual(spec.strategy, {
      type: 'RollingUpdate',
      rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' },
    });
    assert.equal(spec.template.spec.terminationGracePeriodSeconds, 30);
    assert.deepEqual(spec.template.spec.containers[0].ports, [{ containerPort: 80, protocol: 'TCP' }]);
    const unsaid = await api.create('apps/v1/deployments', {
      metadata: { labels: { x: 'y' } },
      spec: {
        paused: true,
        selector: spec.selector,
        template: { ...spec.template, spec: { ...spec.template.spec, schedulerName: 'none' } },
      },
    });
    assert.equal(unsaid.spec.replicas, 1);
    await api.remove('apps/v1/deployments', unsaid.metadata.name);
  },
};
