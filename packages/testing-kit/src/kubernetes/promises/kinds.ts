import assert from 'node:assert/strict';
import { type Document } from './raw-api.ts';
import { type Checks, patchTypes } from './checked-api.ts';

const slices = 'discovery.k8s.io/v1/endpointslices';
const leases = 'coordination.k8s.io/v1/leases';

function fields(body: Document): string[] {
  return [...new Set<string>(body.details.causes.map(({ field }: { field: string }) => field))].sort();
}

const endpoint = { addresses: ['10.1.2.3'], conditions: { ready: true, serving: true, terminating: false } };

/** Promises about single kinds: Services, EndpointSlices, Leases, Events, TokenReviews, namespaces. */
export const kindPromises: Checks = {
  async 'a key is added to the selector of a Service and taken out again under test, and its address stays'(api) {
    const { metadata, spec } = await api.service();
    assert.deepEqual(spec.ports, [{ protocol: 'TCP', port: 80, targetPort: 80 }]);
    assert.match(spec.clusterIP, /^[\d.]+$/);
    const key = '/spec/selector/scaler~1asleep';
    const added = await api.patch('v1/services', metadata.name, 'json', [{ op: 'add', path: key, value: 'e1' }]);
    assert.deepEqual(added.spec.selector, { app: 'none', 'scaler/asleep': 'e1' });
    const removed = await api.patch('v1/services', metadata.name, 'json', [
      { op: 'test', path: key, value: 'e1' },
      { op: 'remove', path: key },
    ]);
    assert.deepEqual(removed.spec, spec);
    const put = { metadata: { name: metadata.name }, spec: { selector: { app: 'x' }, ports: [{ port: 81 }] } };
    const replaced = await api.replace('v1/services', metadata.name, put);
    assert.equal(replaced.spec.clusterIP, spec.clusterIP);
  },

  async 'a Service with bad or unnamed ports, a bad name or a bad selector is 422, and its address can not change'(
    api,
  ) {
    const refuse = async (name: string, spec: object): Promise<string[]> =>
      fields(await api.refuseCreate('Invalid', 'v1/services', { metadata: { name }, spec }));
    assert.deepEqual(await refuse('9lives', { ports: [{ port: 80 }] }), ['metadata.name']);
    assert.deepEqual(await refuse('s', {}), ['spec.ports']);
    assert.deepEqual(await refuse('s', { ports: [{ port: 80 }, { port: 81, name: 'b' }] }), ['spec.ports[0].name']);
    assert.deepEqual(await refuse('s', { ports: [{ port: 70_000, targetPort: 80 }] }), ['spec.ports[0].port']);
    assert.deepEqual(await refuse('s', { ports: [{ port: 80 }], selector: { app: 'no!' } }), ['spec.selector']);
    const { metadata } = await api.service();
    await api.refusePatch('Invalid', 'v1/services', metadata.name, 'merge', { spec: { clusterIP: '10.99.99.99' } });
  },

  async 'an EndpointSlice may be for any Service, has protocol and conditions filled in, and null for empty lists'(
    api,
  ) {
    const slice = await api.create(slices, {
      metadata: {
        labels: { 'kubernetes.io/service-name': 'anything', 'endpointslice.kubernetes.io/managed-by': 'promises' },
      },
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 80 }],
      endpoints: [endpoint, { addresses: ['10.1.2.4'] }],
    });
    assert.deepEqual(slice.ports, [{ name: 'http', protocol: 'TCP', port: 80 }]);
    assert.deepEqual(slice.endpoints, [endpoint, { addresses: ['10.1.2.4'], conditions: {} }]);
    const empty = await api.create(slices, { addressType: 'IPv4', endpoints: [], ports: [] });
    assert.deepEqual([empty.endpoints, empty.ports], [null, null]);
  },

  async 'the generation of an EndpointSlice follows its endpoints, ports and labels, not its annotations'(api) {
    const { metadata } = await api.create(slices, {
      addressType: 'IPv4',
      ports: [{ port: 80 }],
      endpoints: [endpoint],
    });
    const generation = async (body: object): Promise<number> =>
      (await api.patch(slices, metadata.name, 'merge', body)).metadata.generation;
    assert.equal(metadata.generation, 1);
    assert.equal(await generation({ metadata: { annotations: { a: 'b' } } }), 1);
    assert.equal(await generation({ metadata: { labels: { a: 'b' } } }), 2);
    assert.equal(await generation({ endpoints: null }), 3);
  },

  async 'an EndpointSlice has an addressType that never changes, at most 1000 endpoints, addresses that are some, and ports that differ in name'(
    api,
  ) {
    const refuse = async (slice: object): Promise<string[]> =>
      fields(await api.refuseCreate('Invalid', slices, { metadata: { name: 'refused' }, ...slice }));
    assert.deepEqual(await refuse({}), ['addressType']);
    const endpoints = Array.from({ length: 1001 }, (_, i) => ({ addresses: [`10.${(i >> 8) + 1}.1.${i & 255}`] }));
    assert.deepEqual(await refuse({ addressType: 'IPv4', endpoints }), ['endpoints']);
    assert.deepEqual(await refuse({ addressType: 'IPv4', endpoints: [{ addresses: ['nonsense'] }] }), [
      'endpoints[0].addresses[0]',
    ]);
    assert.deepEqual(await refuse({ addressType: 'IPv4', endpoints: [{ addresses: [] }] }), ['endpoints[0].addresses']);
    assert.deepEqual(await refuse({ addressType: 'IPv4', ports: [{ port: 1 }, { port: 2 }] }), ['ports[1].name']);
    const { metadata } = await api.create(slices, { addressType: 'IPv4', endpoints: [endpoint] });
    const other = { addressType: 'IPv6', endpoints: null };
    const body = await api.refusePatch('Invalid', slices, metadata.name, 'merge', other);
    assert.deepEqual(fields(body), ['addressType']);
  },

  async 'a Lease is replaced under its version alone: without one 422, with an old one 409'(api) {
    const lease = await api.create(leases, {
      spec: { holderIdentity: 'a', leaseDurationSeconds: 15, renewTime: '2026-01-02T03:04:05.000006Z' },
    });
    const { name } = lease.metadata;
    const heldBy = (holderIdentity: string): object => ({ ...lease, spec: { ...lease.spec, holderIdentity } });
    assert.equal(lease.spec.renewTime, '2026-01-02T03:04:05.000006Z');
    const taken = await api.replace(leases, name, heldBy('b'));
    await api.refuseReplace('Conflict', leases, name, heldBy('c'));
    await api.refuseReplace('Invalid', leases, name, { metadata: { name }, spec: {} });
    assert.equal(taken.spec.holderIdentity, 'b');
  },

  async "a Lease's times have six digits of a second, else 400, and its duration is positive, else 422"(api) {
    const body = { metadata: { name: 'wrong' }, spec: { renewTime: '2026-01-02T03:04:05Z' } };
    await api.refuseCreate('BadRequest', leases, body);
    const zero = { metadata: { name: 'wrong' }, spec: { leaseDurationSeconds: 0 } };
    assert.deepEqual(fields(await api.refuseCreate('Invalid', leases, zero)), ['spec.leaseDurationSeconds']);
  },

  async 'an Event is about something in its own namespace, else 422, and is found by what it is about'(api) {
    const involvedObject = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'promised', namespace: api.namespace };
    const event = { reason: 'Parked', message: 'asleep', type: 'Normal' };
    const { metadata } = await api.create('v1/events', { ...event, involvedObject });
    const { items } = await api.list('v1/events', { fieldSelector: 'involvedObject.name=promised,reason=Parked' });
    assert.deepEqual(
      items.map((item: Document) => item.metadata.name),
      [metadata.name],
    );
    const body = {
      ...event,
      metadata: { name: 'elsewhere' },
      involvedObject: { ...involvedObject, namespace: 'elsewhere' },
    };
    const refused = await api.refuseCreate('Invalid', 'v1/events', body);
    assert.deepEqual(fields(refused), ['involvedObject.namespace']);
  },

  async 'a TokenReview is answered with 201 and a verdict, without a token it is 400'(api) {
    const path = '/apis/authentication.k8s.io/v1/tokenreviews';
    const { kind, status } = await api.demand(201, 'POST', path, { body: { spec: { token: 'a-token' } } });
    assert.deepEqual([kind, typeof status.user], ['TokenReview', 'object']);
    await api.refuse('BadRequest', 'POST', path, { body: { spec: {} } });
  },

  async 'a namespace waits for its content, takes nothing new meanwhile, and goes with the last of it'(api) {
    const { metadata } = await api.demand(201, 'POST', '/api/v1/namespaces', {
      body: { metadata: { generateName: 'promise-' } },
    });
    const path = `/api/v1/namespaces/${metadata.name}`;
    const held = { metadata: { name: 'held', finalizers: ['promise.example/hold'] } };
    await api.demand(201, 'POST', `${path}/configmaps`, { body: held });
    const going = await api.demand(200, 'DELETE', path);
    assert.deepEqual([going.status.phase, going.spec.finalizers], ['Terminating', ['kubernetes']]);
    await api.refuse('Forbidden', 'POST', `${path}/configmaps`, { body: { metadata: { name: 'new' } } });
    await api.demand(200, 'PATCH', `${path}/configmaps/held`, {
      body: { metadata: { finalizers: null } },
      contentType: patchTypes.merge,
    });
  },

  async 'the status of a pod is written at its subresource and the labels of a pod are not a part of it'(api) {
    const { metadata } = await api.pod({ schedulerName: 'none' });
    const conditions = [{ type: 'Ready', status: 'False', reason: 'Promised' }];
    const after = await api.patch('v1/pods', metadata.name, 'strategic', { status: { conditions } }, 'status');
    assert.equal(after.status.phase, 'Pending');
    assert.equal(after.status.conditions.find(({ type }: { type: string }) => type === 'Ready').reason, 'Promised');
    assert.equal((await api.get('v1/pods', metadata.name)).metadata.generation, 1);
    await api.remove('v1/pods', metadata.name);
  },
};
