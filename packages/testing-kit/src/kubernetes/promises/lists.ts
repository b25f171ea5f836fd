import assert from 'node:assert/strict';
import { type Checks, type CheckedApi } from './checked-api.ts';

const maps = 'v1/configmaps';

async function names(api: CheckedApi, gvr: string, query: Record<string, string>): Promise<string[]> {
  const { items } = await api.list(gvr, query);
  return items.map(({ metadata }: { metadata: { name: string } }) => metadata.name);
}

/** Promises about lists. */
export const listPromises: Checks = {
  async 'a list has its kind and a version, and its items leave their kind out'(api) {
    await api.configMap();
    const list = await api.list(maps);
    assert.deepEqual([list.kind, list.apiVersion], ['ConfigMapList', 'v1']);
    assert.match(list.metadata.resourceVersion, /^\d+$/);
    assert.deepEqual([list.items[0].kind, list.items[0].apiVersion], [undefined, undefined]);
    const all = await api.demand(200, 'GET', '/api/v1/configmaps');
    assert.ok(all.items.length >= list.items.length);
    const none = await api.list(maps, { labelSelector: 'nothing=has-it' });
    assert.deepEqual(none.items, []);
  },

  async 'label selectors know =, ==, !=, in, notin, existence, absence, and all of them at once'(api) {
    const set = { set: `s${Date.now()}` };
    const make = async (labels: object): Promise<string> =>
      (await api.configMap({ metadata: { labels: { ...set, ...labels } } })).metadata.name;
    const [one, two, bare] = [await make({ tier: 'one', extra: '' }), await make({ tier: 'two' }), await make({})];
    const selected = async (selector: string): Promise<string[]> =>
      names(api, maps, { labelSelector: `set=${set.set},${selector}` });
    const sorted = (...list: string[]): string[] => list.sort();
    assert.deepEqual(await selected('tier=one'), [one]);
    assert.deepEqual(await selected('tier==two'), [two]);
    assert.deepEqual(await selected('tier!=one'), sorted(two, bare));
    assert.deepEqual(await selected('tier in (one, two)'), sorted(one, two));
    assert.deepEqual(await selected('tier notin (one)'), sorted(two, bare));
    assert.deepEqual(await selected('tier'), sorted(one, two));
    assert.deepEqual(await selected('!tier'), [bare]);
    assert.deepEqual(await selected('tier in (one,two),!extra'), [two]);
    assert.deepEqual(await selected('extra='), [one]);
  },

  async 'selectors that can not be read, and unknown fields, are 400 BadRequest'(api) {
    const queries = [
      { labelSelector: 'a b c' },
      { fieldSelector: 'spec.nonsense=1' },
      { resourceVersion: 'abc' },
      { limit: '1', continue: 'abc' },
    ];
    for (const query of queries) await api.refuse('BadRequest', 'GET', api.at(maps), { query });
  },

  async 'field selectors find objects by name, pods by node and phase'(api) {
    const { metadata } = await api.configMap();
    assert.deepEqual(await names(api, maps, { fieldSelector: `metadata.name=${metadata.name}` }), [metadata.name]);
    const {
      metadata: { name },
    } = await api.pod({ nodeName: 'a-node-for-selectors' });
    const query = { fieldSelector: 'spec.nodeName=a-node-for-selectors,status.phase!=Running' };
    assert.deepEqual(await names(api, 'v1/pods', query), [name]);
    await api.remove('v1/pods', name, { gracePeriodSeconds: 0 });
  },

  async 'pages show one moment: objects that are deleted or added between them do not matter'(api) {
    const labels = { paged: `p${Date.now()}` };
    const made: string[] = [];
    for (let i = 0; i < 5; i += 1) made.push((await api.configMap({ metadata: { labels } })).metadata.name);
    const labelSelector = `paged=${labels.paged}`;
    const seen: string[] = [];
    let next: string | undefined;
    let version: string | undefined;
    do {
      const query = { labelSelector, limit: '2', ...(next === undefined ? {} : { continue: next }) };
      const { metadata, items } = await api.list(maps, query);
      assert.equal(metadata.resourceVersion, (version ??= metadata.resourceVersion));
      seen.push(...items.map((item: { metadata: { name: string } }) => item.metadata.name));
      if (next === undefined) {
        await api.remove(maps, [...made].sort()[4]!);
        await api.configMap({ metadata: { labels } });
      }
      next = metadata.continue;
    } while (next !== undefined);
    assert.deepEqual(seen, made.sort());
  },

  async 'an exact version is the list as it was then, a version from the future is 504 Timeout'(api) {
    const { metadata } = await api.workload();
    const path = api.at('apps/v1/deployments');
    await api.remove('apps/v1/deployments', metadata.name);
    const query = {
      resourceVersion: metadata.resourceVersion,
      resourceVersionMatch: 'Exact',
      fieldSelector: `metadata.name=${metadata.name}`,
    };
    const then = await api.demand(200, 'GET', path, { query });
    assert.deepEqual([then.items.length, then.metadata.resourceVersion], [1, metadata.resourceVersion]);
    await api.refuse('Timeout', 'GET', path, { query: { resourceVersion: '99999999999' } });
  },
};
