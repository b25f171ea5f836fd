import assert from 'node:assert/strict';
import { type Checks } from './checked-api.ts';

const maps = 'v1/configmaps';

/** Promises about deleting objects. */
export const deletionPromises: Checks = {
  async 'DELETE holds to its preconditions of uid and resourceVersion, and answers with a Status that names the uid'(
    api,
  ) {
    const { metadata } = await api.configMap();
    for (const preconditions of [{ uid: 'another' }, { resourceVersion: '1' }])
      await api.refuseRemove('Conflict', maps, metadata.name, { preconditions });
    const { uid, resourceVersion } = metadata;
    const body = await api.remove(maps, metadata.name, { preconditions: { uid, resourceVersion } });
    assert.deepEqual([body.kind, body.status, body.details.uid], ['Status', 'Success', uid]);
  },

  async 'DELETE of a Service answers with the Service'(api) {
    const { metadata } = await api.service();
    const body = await api.remove('v1/services', metadata.name);
    assert.deepEqual([body.kind, body.metadata.uid], ['Service', metadata.uid]);
  },

  async 'an object with a finalizer stays, marked, until the last one is gone, and takes no new ones'(api) {
    const { metadata } = await api.configMap({ metadata: { finalizers: ['promise.example/hold'] } });
    const marked = await api.remove(maps, metadata.name);
    assert.equal(marked.kind, 'ConfigMap');
    assert.ok(marked.metadata.deletionTimestamp);
    const more = { metadata: { finalizers: ['promise.example/hold', 'promise.example/more'] } };
    await api.refusePatch('Invalid', maps, metadata.name, 'merge', more);
    await api.patch(maps, metadata.name, 'merge', { metadata: { finalizers: null } });
    await api.missing(maps, metadata.name);
  },

  async 'DELETE of a collection deletes the selected objects'(api) {
    const chosen = await api.configMap({ metadata: { labels: { collect: 'yes' } } });
    const other = await api.configMap({ metadata: { labels: { collect: 'no' } } });
    await api.demand(200, 'DELETE', api.at(maps), { query: { labelSelector: 'collect=yes' } });
    await api.missing(maps, chosen.metadata.name);
    await api.get(maps, other.metadata.name);
  },

  async 'a pod on a node gets a grace period, which is only ever shortened, and goes with grace 0'(api) {
    const { metadata } = await api.pod({ nodeName: 'no-such-node', terminationGracePeriodSeconds: 20 });
    const first = await api.remove('v1/pods', metadata.name);
    assert.deepEqual([first.kind, first.metadata.deletionGracePeriodSeconds], ['Pod', 20]);
    assert.ok(Date.parse(first.metadata.deletionTimestamp) >= Date.parse(metadata.creationTimestamp) + 20_000);
    assert.equal(first.metadata.generation, 2);
    const longer = await api.remove('v1/pods', metadata.name, { gracePeriodSeconds: 30 });
    assert.equal(longer.metadata.deletionGracePeriodSeconds, 20);
    const shorter = await api.remove('v1/pods', metadata.name, { gracePeriodSeconds: 5 });
    assert.equal(shorter.metadata.deletionGracePeriodSeconds, 5);
    await api.remove('v1/pods', metadata.name, { gracePeriodSeconds: 0 });
    await api.missing('v1/pods', metadata.name);
  },

  async 'a pod that no node has goes at once'(api) {
    const { metadata } = await api.pod({ schedulerName: 'none' });
    await api.remove('v1/pods', metadata.name);
    await api.missing('v1/pods', metadata.name);
  },
};
