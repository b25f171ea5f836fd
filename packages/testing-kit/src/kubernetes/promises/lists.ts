import assert from 'node:assert/strict';
import { type RawApi } from './raw-api.ts';
import { at, configMap, expectRefusal, expectStatus, pod, type Promised, workload } from './steps.ts';

const maps = 'v1/configmaps';

async function names(api: RawApi, gvr: string, query: Record<string, string>): Promise<string[]> {
  const { items } = await expectStatus(api, 200, 'GET', at(api, gvr), { query });
  return items.map(({ metadata }: { metadata: { name: string } }) => metadata.name);
}

/** Promises about lists. */
export const listPromises: Promised[] = [
  {
    name: 'a list has its kind and a version, and its items leave their kind out',
    async run(api) {
      await configMap(api);
      const list = await expectStatus(api, 200, 'GET', at(api, maps));
      assert.deepEqual([list.kind, list.apiVersion], ['ConfigMapList', 'v1']);
      assert.match(list.metadata.resourceVersion, /^\d+$/);
      assert.deepEqual([list.items[0].kind, list.items[0].apiVersion], [undefined, undefined]);
      const all = await expectStatus(api, 200, 'GET', '/api/v1/configmaps');
      assert.ok(all.items.length >= list.items.length);
      const none = await expectStatus(api, 200, 'GET', at(api, maps), { query: { labelSelector: 'nothing=has-it' } });
      assert.deepEqual(none.items, []);
    },
  },
  {
    name: 'label selectors know =, ==, !=, in, notin, existence, absence, and all of them at once',
    async run(api) {
      const set = { set: `s${Date.now()}` };
      const make = async (labels: object): Promise<string> =>
        (await configMap(api, { metadata: { labels: { ...set, ...labels } } })).metadata.name;
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
  },
  {
    name: 'selectors that can not be read, and unknown fields, are 400 BadRequest',
    async run(api) {
      await expectRefusal(api, 400, 'BadRequest', 'GET', at(api, maps), { query: { labelSelector: 'a b c' } });
      await expectRefusal(api, 400, 'BadRequest', 'GET', at(api, maps), {
        query: { fieldSelector: 'spec.nonsense=1' },
      });
      await expectRefusal(api, 400, 'BadRequest', 'GET', at(api, maps), { query: { resourceVersion: 'abc' } });
      await expectRefusal(api, 400, 'BadRequest', 'GET', at(api, maps), { query: { limit: '1', continue: 'abc' } });
    },
  },
  {
    name: 'field selectors find objects by name, pods by node and phase',
    async run(api) {
      const { metadata } = await configMap(api);
      assert.deepEqual(await names(api, maps, { fieldSelector: `metadata.name=${metadata.name}` }), [metadata.name]);
      const {
        metadata: { name },
      } = await pod(api, { nodeName: 'a-node-for-selectors' });
      const query = { fieldSelector: 'spec.nodeName=a-node-for-selectors,status.phase!=Running' };
      assert.deepEqual(await names(api, 'v1/pods', query), [name]);
      await expectStatus(api, 200, 'DELETE', at(api, 'v1/pods', name), { body: { gracePeriodSeconds: 0 } });
    },
  },
  {
    name: 'pages show one moment: objects that are deleted or added between them do not matter',
    async run(api) {
      const labels = { paged: `p${Date.now()}` };
      const made: string[] = [];
      for (let i = 0; i < 5; i += 1) made.push((await configMap(api, { metadata: { labels } })).metadata.name);
      const labelSelector = `paged=${labels.paged}`;
      const seen: string[] = [];
      let next: string | undefined;
      let version: string | undefined;
      do {
        const query = { labelSelector, limit: '2', ...(next === undefined ? {} : { continue: next }) };
        const { metadata, items } = await expectStatus(api, 200, 'GET', at(api, maps), { query });
        assert.equal(metadata.resourceVersion, (version ??= metadata.resourceVersion));
        seen.push(...items.map((item: { metadata: { name: string } }) => item.metadata.name));
        if (next === undefined) {
          await expectStatus(api, 200, 'DELETE', at(api, maps, [...made].sort()[4]!));
          await configMap(api, { metadata: { labels } });
        }
        next = metadata.continue;
      } while (next !== undefined);
      assert.deepEqual(seen, made.sort());
    },
  },
  {
    name: 'an exact version is the list as it was then, a version from the future is 504 Timeout',
    async run(api) {
      const { metadata } = await workload(api);
      const path = at(api, 'apps/v1/deployments');
      await expectStatus(api, 200, 'DELETE', at(api, 'apps/v1/deployments', metadata.name));
      const query = {
        resourceVersion: metadata.resourceVersion,
        resourceVersionMatch: 'Exact',
        fieldSelector: `metadata.name=${metadata.name}`,
      };
      const then = await expectStatus(api, 200, 'GET', path, { query });
      assert.deepEqual([then.items.length, then.metadata.resourceVersion], [1, metadata.resourceVersion]);
      await expectRefusal(api, 504, 'Timeout', 'GET', path, { query: { resourceVersion: '99999999999' } });
    },
  },
];
