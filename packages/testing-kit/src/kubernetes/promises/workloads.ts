import assert from 'node:assert/strict';
import { type Document } from './raw-api.ts';
import { type Checks, type CheckedApi } from './checked-api.ts';

const deployments = 'apps/v1/deployments';

/** A PUT of the Scale at its current version; the controller's own writes may come between, hence again. */
async function putScale(api: CheckedApi, name: string, replicas: number): Promise<Document> {
  for (let attempt = 1; ; attempt += 1) {
    const scale = await api.get(deployments, name, 'scale');
    const { status, body } = await api.request('PUT', api.at(deployments, name, 'scale'), {
      body: { ...scale, spec: { replicas } },
    });
    if (status === 200) return body;
    assert.ok(status === 409 && attempt < 20, `PUT of the scale: ${status} ${JSON.stringify(body)}`);
  }
}

/** Promises about generations, status and scale. */
export const workloadPromises: Checks = {
  async "a Deployment's generation follows its spec and its annotations, not its labels and not its status"(api) {
    const { metadata } = await api.workload();
    const { name } = metadata;
    const generation = async (type: 'merge', body: object, sub = ''): Promise<number> =>
      (await api.patch(deployments, name, type, body, sub)).metadata.generation;
    assert.equal(metadata.generation, 1);
    assert.equal(await generation('merge', { metadata: { labels: { a: 'b' } } }), 1);
    assert.equal(await generation('merge', { status: { replicas: 7 } }, 'status'), 1);
    assert.equal(await generation('merge', { metadata: { annotations: { a: 'b' } } }), 2);
    assert.equal(await generation('merge', { spec: { minReadySeconds: 1 } }), 3);
    assert.equal(await generation('merge', { spec: { minReadySeconds: 1 } }), 3);
  },

  async "a StatefulSet's and a ReplicaSet's generation follow the spec alone"(api) {
    for (const resource of ['statefulsets', 'replicasets'] as const) {
      const { metadata } = await api.workload(resource);
      const annotated = await api.patch(`apps/v1/${resource}`, metadata.name, 'merge', {
        metadata: { annotations: { a: 'b' }, labels: { c: 'd' } },
      });
      assert.equal(annotated.metadata.generation, 1, resource);
      const changed = await api.patch(`apps/v1/${resource}`, metadata.name, 'merge', {
        spec: { minReadySeconds: 1 },
      });
      assert.equal(changed.metadata.generation, 2, resource);
    }
  },

  async 'the object ignores a status, and the status subresource ignores spec and labels'(api) {
    const { metadata } = await api.workload();
    const first = await api.patch(deployments, metadata.name, 'merge', {
      metadata: { labels: { a: 'b' } },
      status: { collisionCount: 9 },
    });
    assert.equal(first.status.collisionCount, undefined);
    const second = await api.patch(
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

  async 'the selector of a Deployment is immutable and must match its template'(api) {
    const { metadata, spec } = await api.workload();
    const selector = { matchLabels: { more: 'x' } };
    const changed = await api.refusePatch('Invalid', deployments, metadata.name, 'merge', { spec: { selector } });
    assert.ok(changed.details.causes.some(({ field }: { field: string }) => field === 'spec.selector'));
    const body = { metadata: { name: 'unmatched' }, spec: { ...spec, selector: { matchLabels: { other: 'x' } } } };
    const refused = await api.refuseCreate('Invalid', deployments, body);
    assert.equal(refused.details.causes[0].field, 'spec.template.metadata.labels');
  },

  async "a Scale has the object's identity and version, and leaves replicas out when they are 0"(api) {
    const { metadata } = await api.workload();
    const scale = await api.get(deployments, metadata.name, 'scale');
    assert.deepEqual([scale.kind, scale.apiVersion, scale.metadata.uid], ['Scale', 'autoscaling/v1', metadata.uid]);
    assert.deepEqual(scale.spec, {});
    assert.deepEqual(scale.status, { replicas: 0, selector: 'app=promise' });
    await api.patchFails(deployments, metadata.name, [{ op: 'test', path: '/spec/replicas', value: 0 }], 'scale');
  },

  async 'PUT of a Scale with an old version of the object is 409 Conflict, with the current one it is written'(api) {
    const { metadata } = await api.workload();
    const old = await api.get(deployments, metadata.name, 'scale');
    await api.patch(deployments, metadata.name, 'merge', { metadata: { labels: { moved: 'on' } } });
    const stale = { ...old, spec: { replicas: 3 } };
    const body = await api.refuseReplace('Conflict', deployments, metadata.name, stale, 'scale');
    assert.equal(body.details.kind, 'deployments');
    await api.patch(deployments, metadata.name, 'merge', {
      spec: { paused: true, template: { spec: { schedulerName: 'none' } } },
    });
    const scaled = await putScale(api, metadata.name, 1);
    assert.deepEqual([scaled.kind, scaled.spec], ['Scale', { replicas: 1 }]);
    const object = await api.get(deployments, metadata.name);
    assert.equal(object.spec.replicas, 1);
    assert.ok(object.metadata.generation > 1);
    await putScale(api, metadata.name, 0);
  },

  async 'a Scale without version always wins, a negative one is 422, and it can be patched'(api) {
    const { metadata } = await api.workload();
    const { name } = metadata;
    const scaleTo = (replicas: number): object => ({
      metadata: { name, namespace: api.namespace },
      spec: { replicas },
    });
    await api.replace(deployments, name, scaleTo(0), 'scale');
    await api.refuseReplace('Invalid', deployments, name, scaleTo(-1), 'scale');
    for (const type of ['merge', 'strategic'] as const)
      await api.patch(deployments, name, type, { spec: { replicas: 0 } }, 'scale');
    const stale = { metadata: { resourceVersion: '1' }, spec: { replicas: 0 } };
    await api.refusePatch('Conflict', deployments, name, 'merge', stale, 'scale');
  },
};
