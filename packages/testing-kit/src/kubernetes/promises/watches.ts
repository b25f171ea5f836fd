import assert from 'node:assert/strict';
import { type Checks } from './checked-api.ts';

const maps = 'v1/configmaps';
const remove = 'DELETE';

function ofOne(name: string, resourceVersion: string): Record<string, string> {
  return { fieldSelector: `metadata.name=${name}`, resourceVersion };
}

/** Promises about watches. */
export const watchPromises: Checks = {
  async 'a watch from a version sends every later change once, in order, with rising versions'(api) {
    const { metadata } = await api.configMap();
    const { name } = metadata;
    await api.patch(maps, name, 'merge', { data: { key: '2' } });
    await api.patch(maps, name, 'merge', { data: { key: '3' } });
    await api.demand(200, remove, api.at(maps, name));
    const events = await api.take(maps, ofOne(name, metadata.resourceVersion), 3);
    assert.deepEqual(
      events.map(({ type, object }) => [type, object.data.key]),
      [
        ['MODIFIED', '2'],
        ['MODIFIED', '3'],
        ['DELETED', '3'],
      ],
    );
    const versions = [metadata, ...events.map(({ object }) => object.metadata)].map(({ resourceVersion }) =>
      Number(resourceVersion),
    );
    assert.deepEqual(
      versions,
      [...new Set(versions)].sort((a, b) => a - b),
    );
    assert.deepEqual([events[0]!.object.kind, events[0]!.object.apiVersion], ['ConfigMap', 'v1']);
  },

  async 'a watch from no version, or from 0, begins with an ADDED for each object'(api) {
    const { metadata } = await api.configMap();
    for (const resourceVersion of ['', '0']) {
      const [event] = await api.take(maps, ofOne(metadata.name, resourceVersion), 1);
      assert.deepEqual([event!.type, event!.object.metadata.uid], ['ADDED', metadata.uid]);
    }
  },

  async 'an object that leaves the selector is DELETED with the last state that matched and the new version; when it enters it is ADDED'(
    api,
  ) {
    const labels = { look: `w${Date.now()}` };
    const { metadata } = await api.configMap({ metadata: { labels }, data: { key: '1' } });
    const { name } = metadata;
    const left = await api.patch(maps, name, 'merge', {
      metadata: { labels: { look: 'away' } },
      data: { key: '2' },
    });
    await api.patch(maps, name, 'merge', { data: { key: '3' } });
    const back = await api.patch(maps, name, 'merge', { metadata: { labels } });
    await api.demand(200, remove, api.at(maps, name));
    const query = { labelSelector: `look=${labels.look}`, resourceVersion: metadata.resourceVersion };
    const [gone, again, deleted] = await api.take(maps, query, 3);
    assert.deepEqual([gone!.type, gone!.object.data.key, gone!.object.metadata.labels], ['DELETED', '1', labels]);
    assert.equal(gone!.object.metadata.resourceVersion, left.metadata.resourceVersion);
    assert.deepEqual([again!.type, again!.object.data.key], ['ADDED', '3']);
    assert.equal(again!.object.metadata.resourceVersion, back.metadata.resourceVersion);
    assert.deepEqual([deleted!.type, deleted!.object.data.key], ['DELETED', '3']);
    assert.ok(Number(deleted!.object.metadata.resourceVersion) > Number(back.metadata.resourceVersion));
  },

  async 'after the initial events a bookmark says so, if bookmarks are allowed'(api) {
    const { metadata } = await api.configMap();
    const fieldSelector = `metadata.name=${metadata.name}`;
    const wanted = [
      { allowWatchBookmarks: 'true' },
      { allowWatchBookmarks: 'true', sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan' },
    ];
    for (const query of wanted) {
      const [added, bookmark] = await api.take(maps, { fieldSelector, ...query }, 2);
      assert.equal(added!.type, 'ADDED');
      assert.equal(bookmark!.type, 'BOOKMARK');
      assert.equal(bookmark!.object.kind, 'ConfigMap');
      assert.equal(bookmark!.object.metadata.annotations['k8s.io/initial-events-end'], 'true');
      assert.ok(Number(bookmark!.object.metadata.resourceVersion) >= Number(metadata.resourceVersion));
    }
  },

  async 'sendInitialEvents without resourceVersionMatch is 422'(api) {
    const query = { watch: '1', sendInitialEvents: 'true' };
    await api.refuse('Invalid', 'GET', api.at(maps), { query });
  },

  async 'a watch ends after its timeoutSeconds without an error'(api) {
    const { metadata } = await api.configMap();
    const query = { ...ofOne(metadata.name, metadata.resourceVersion), timeoutSeconds: '1' };
    for await (const event of api.watch(api.at(maps), query, AbortSignal.timeout(10_000)))
      assert.fail(`an event: ${event.type}`);
  },

  async 'a watch with a selector that can not be read is 400 before it starts'(api) {
    await api.refuse('BadRequest', 'GET', api.at(maps), { query: { watch: '1', labelSelector: '((' } });
  },

  async 'a pod is seen to terminate before it is seen to go, even when it goes at once'(api) {
    const { metadata } = await api.pod({ schedulerName: 'none' });
    await api.demand(200, remove, api.at('v1/pods', metadata.name));
    const [marked, gone] = await api.take('v1/pods', ofOne(metadata.name, metadata.resourceVersion), 2);
    assert.deepEqual([marked!.type, marked!.object.metadata.deletionGracePeriodSeconds], ['MODIFIED', 0]);
    assert.deepEqual([gone!.type, gone!.object.metadata.deletionGracePeriodSeconds], ['DELETED', 0]);
  },
};
