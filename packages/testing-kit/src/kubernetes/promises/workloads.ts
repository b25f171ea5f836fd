import assert from 'node:assert/strict';
import { type Document, type RawApi } from './raw-api.ts';
import {
  at,
  expectRefusal,
  expectStatus,
  get,
  patch,
  patchFails,
  patchTypes,
  type Promised,
  workload,
} from './steps.ts';

const deployments = 'apps/v1/deployments';

/** A PUT of the Scale at its current version; the controller's own writes may come between, hence again. */
async function putScale(api: RawApi, name: string, replicas: number): Promise<Document> {
  for (let attempt = 1; ; attempt += 1) {
    const scale = await get(api, deployments, name, 'scale');
    const { status, body } = await api.request('PUT', at(api, deployments, name, 'scale'), {
      body: { ...scale, spec: { replicas } },
    });
    if (status === 200) return body;
    assert.ok(status === 409 && attempt < 20, `PUT of the scale: ${status} ${JSON.stringify(body)}`);
  }
}

/** Promises about generations, status and scale. */
export const workloadPromises: Promised[] = [
  {
    name: "a Deployment's generation follows its spec and its annotations, not its labels and not its status",
    async run(api) {
      const { metadata } = await workload(api);
      const { name } = metadata;
      const generation = async (type: 'merge', body: object, sub = ''): Promise<number> =>
        (await patch(api, deployments, name, type, body, sub)).metadata.generation;
      assert.equal(metadata.generation, 1);
      assert.equal(await generation('merge', { metadata: { labels: { a: 'b' } } }), 1);
      assert.equal(await generation('merge', { status: { replicas: 7 } }, 'status'), 1);
      assert.equal(await generation('merge', { metadata: { annotations: { a: 'b' } } }), 2);
      assert.equal(await generation('merge', { spec: { minReadySeconds: 1 } }), 3);
      assert.equal(await generation('merge', { spec: { minReadySeconds: 1 } }), 3);
    },
  },
  {
    name: "a StatefulSet's and a ReplicaSet's generation follow the spec alone",
    async run(api) {
      for (const resource of ['statefulsets', 'replicasets'] as const) {
        const { metadata } = await workload(api, resource);
        const annotated = await patch(api, `apps/v1/${resource}`, metadata.name, 'merge', {
          metadata: { annotations: { a: 'b' }, labels: { c: 'd' } },
        });
        assert.equal(annotated.metadata.generation, 1, resource);
        const changed = await patch(api, `apps/v1/${resource}`, metadata.name, 'merge', {
          spec: { minReadySeconds: 1 },
        });
        assert.equal(changed.metadata.generation, 2, resource);
      }
    },
  },
  {
    name: 'the object ignores a status, and the status subresource ignores spec and labels',
    async run(api) {
      const { metadata } = await workload(api);
      const first = await patch(api, deployments, metadata.name, 'merge', {
        metadata: { labels: { a: 'b' } },
        status: { collisionCount: 9 },
      });
      assert.equal(first.status.collisionCount, undefined);
      const second = await patch(
        api,
        deployments,
        metadata.name,
        'merge',
        { metadata: { labels: { c: 'd' } }, spec: { minReadySeconds: 5 }, status: { collisionCount: 9 } },
        'status',
      );
      assert.equal(second.status.collisionCount, 9);
      assert.equal(second.spec.minReadySeconds, undefined);
      assert.deepEqual(second.metadata.labels, { a: 'b' });
    },
  },
  {
    name: 'the selector of a Deployment is immutable and must match its template',
    async run(api) {
      const { metadata, spec } = await workload(api);
      const options = { body: { spec: { selector: { matchLabels: { more: 'x' } } } }, contentType: patchTypes.merge };
      const changed = await expectRefusal(api, 422, 'Invalid', 'PATCH', at(api, deployments, metadata.name), options);
      assert.ok(changed.details.causes.some(({ field }: { field: string }) => field === 'spec.selector'));
      const body = { metadata: { name: 'unmatched' }, spec: { ...spec, selector: { matchLabels: { other: 'x' } } } };
      const refused = await expectRefusal(api, 422, 'Invalid', 'POST', at(api, deployments), { body });
      assert.equal(refused.details.causes[0].field, 'spec.template.metadata.labels');
    },
  },
  {
    name: "a Scale has the object's identity and version, and leaves replicas out when they are 0",
    async run(api) {
      const { metadata } = await workload(api);
      const scale = await get(api, deployments, metadata.name, 'scale');
      assert.deepEqual([scale.kind, scale.apiVersion, scale.metadata.uid], ['Scale', 'autoscaling/v1', metadata.uid]);
      assert.deepEqual(scale.spec, {});
      assert.deepEqual(scale.status, { replicas: 0, selector: 'app=promise' });
      await patchFails(api, deployments, metadata.name, [{ op: 'test', path: '/spec/replicas', value: 0 }], 'scale');
    },
  },
  {
    name: 'PUT of a Scale with an old version of the object is 409 Conflict, with the current one it is written',
    async run(api) {
      const { metadata } = await workload(api);
      const old = await get(api, deployments, metadata.name, 'scale');
      await patch(api, deployments, metadata.name, 'merge', { metadata: { labels: { moved: 'on' } } });
      const body = await expectRefusal(api, 409, 'Conflict', 'PUT', at(api, deployments, metadata.name, 'scale'), {
        body: { ...old, spec: { replicas: 3 } },
      });
      assert.equal(body.details.kind, 'deployments');
      await patch(api, deployments, metadata.name, 'merge', {
        spec: { paused: true, template: { spec: { schedulerName: 'none' } } },
      });
      const scaled = await putScale(api, metadata.name, 1);
      assert.deepEqual([scaled.kind, scaled.spec], ['Scale', { replicas: 1 }]);
      const object = await get(api, deployments, metadata.name);
      assert.equal(object.spec.replicas, 1);
      assert.ok(object.metadata.generation > 1);
      await putScale(api, metadata.name, 0);
    },
  },
  {
    name: 'a Scale without version always wins, a negative one is 422, and it can be patched',
    async run(api) {
      const { metadata } = await workload(api);
      const path = at(api, deployments, metadata.name, 'scale');
      const identity = { name: metadata.name, namespace: api.namespace };
      await expectStatus(api, 200, 'PUT', path, { body: { metadata: identity, spec: { replicas: 0 } } });
      await expectRefusal(api, 422, 'Invalid', 'PUT', path, { body: { metadata: identity, spec: { replicas: -1 } } });
      for (const type of ['merge', 'strategic'] as const)
        await patch(api, deployments, metadata.name, type, { spec: { replicas: 0 } }, 'scale');
      const options = {
        body: { metadata: { resourceVersion: '1' }, spec: { replicas: 0 } },
        contentType: patchTypes.merge,
      };
      await expectRefusal(api, 409, 'Conflict', 'PATCH', path, options);
    },
  },
];
