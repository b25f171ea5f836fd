import assert from 'node:assert/strict';
import { at, configMap, expectRefusal, expectStatus, get, patch, pod, type Promised, service } from './steps.ts';

/** Promises about deleting objects. */
export const deletionPromises: Promised[] = [
  {
    name: 'DELETE holds to its preconditions of uid and resourceVersion, and answers with a Status that names the uid',
    async run(api) {
      const { metadata } = await configMap(api);
      const path = at(api, 'v1/configmaps', metadata.name);
      await expectRefusal(api, 409, 'Conflict', 'DELETE', path, { body: { preconditions: { uid: 'another' } } });
      await expectRefusal(api, 409, 'Conflict', 'DELETE', path, { body: { preconditions: { resourceVersion: '1' } } });
      const { uid, resourceVersion } = metadata;
      const body = await expectStatus(api, 200, 'DELETE', path, { body: { preconditions: { uid, resourceVersion } } });
      assert.deepEqual([body.kind, body.status, body.details.uid], ['Status', 'Success', uid]);
    },
  },
  {
    name: 'DELETE of a Service answers with the Service',
    async run(api) {
      const { metadata } = await service(api);
      const body = await expectStatus(api, 200, 'DELETE', at(api, 'v1/services', metadata.name));
      assert.deepEqual([body.kind, body.metadata.uid], ['Service', metadata.uid]);
    },
  },
  {
    name: 'an object with a finalizer stays, marked, until the last one is gone, and takes no new ones',
    async run(api) {
      const { metadata } = await configMap(api, { metadata: { finalizers: ['promise.example/hold'] } });
      const path = at(api, 'v1/configmaps', metadata.name);
      const marked = await expectStatus(api, 200, 'DELETE', path);
      assert.equal(marked.kind, 'ConfigMap');
      assert.ok(marked.metadata.deletionTimestamp);
      const more = { metadata: { finalizers: ['promise.example/hold', 'promise.example/more'] } };
      await expectRefusal(api, 422, 'Invalid', 'PATCH', path, {
        body: more,
        contentType: 'application/merge-patch+json',
      });
      await patch(api, 'v1/configmaps', metadata.name, 'merge', { metadata: { finalizers: null } });
      await expectRefusal(api, 404, 'NotFound', 'GET', path);
    },
  },
  {
    name: 'DELETE of a collection deletes the selected objects',
    async run(api) {
      const chosen = await configMap(api, { metadata: { labels: { collect: 'yes' } } });
      const other = await configMap(api, { metadata: { labels: { collect: 'no' } } });
      await expectStatus(api, 200, 'DELETE', at(api, 'v1/configmaps'), { query: { labelSelector: 'collect=yes' } });
      await expectRefusal(api, 404, 'NotFound', 'GET', at(api, 'v1/configmaps', chosen.metadata.name));
      await get(api, 'v1/configmaps', other.metadata.name);
    },
  },
  {
    name: 'a pod on a node gets a grace period, which is only ever shortened, and goes with grace 0',
    async run(api) {
      const { metadata } = await pod(api, { nodeName: 'no-such-node', terminationGracePeriodSeconds: 20 });
      const path = at(api, 'v1/pods', metadata.name);
      const first = await expectStatus(api, 200, 'DELETE', path);
      assert.deepEqual([first.kind, first.metadata.deletionGracePeriodSeconds], ['Pod', 20]);
      assert.ok(Date.parse(first.metadata.deletionTimestamp) >= Date.parse(metadata.creationTimestamp) + 20_000);
      assert.equal(first.metadata.generation, 2);
      const longer = await expectStatus(api, 200, 'DELETE', path, { body: { gracePeriodSeconds: 30 } });
      assert.equal(longer.metadata.deletionGracePeriodSeconds, 20);
      const shorter = await expectStatus(api, 200, 'DELETE', path, { body: { gracePeriodSeconds: 5 } });
      assert.equal(shorter.metadata.deletionGracePeriodSeconds, 5);
      await expectStatus(api, 200, 'DELETE', path, { body: { gracePeriodSeconds: 0 } });
      await expectRefusal(api, 404, 'NotFound', 'GET', path);
    },
  },
  {
    name: 'a pod that no node has goes at once',
    async run(api) {
      const { metadata } = await pod(api, { schedulerName: 'none' });
      await expectStatus(api, 200, 'DELETE', at(api, 'v1/pods', metadata.name));
      await expectRefusal(api, 404, 'NotFound', 'GET', at(api, 'v1/pods', metadata.name));
    },
  },
];
