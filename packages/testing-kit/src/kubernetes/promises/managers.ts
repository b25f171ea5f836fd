import assert from 'node:assert/strict';
import { type Document } from './raw-api.ts';
import { type Checks, type CheckedApi, patchTypes } from './checked-api.ts';

const deployments = 'apps/v1/deployments';

/** A merge patch as `manager`. */
function patchAs(api: CheckedApi, manager: string, gvr: string, name: string, body: object): Promise<Document> {
  const options = { body, contentType: patchTypes.merge, query: { fieldManager: manager } };
  return api.demand(200, 'PATCH', api.at(gvr, name), options);
}

/** Managers of a field, each with its subresource where it has one. */
function managersOf({ metadata }: Document, ...path: string[]): string[] {
  return (metadata.managedFields ?? [])
    .filter(({ fieldsV1 }: Document) => path.reduce((at: Document, step) => at?.[step], fieldsV1) !== undefined)
    .map(({ manager, subresource }: Document) => (subresource === undefined ? manager : `${manager} ${subresource}`));
}

/** Promises about `metadata.managedFields`, by which another writer of the same field is known. */
export const managerPromises: Checks = {
  async 'the writer of a change to the selector of a Service manages the whole of it from then on, also after taking a key away'(
    api,
  ) {
    const { metadata } = await api.service();
    const write = async (manager: string, value: string | null): Promise<string[]> =>
      managersOf(
        await patchAs(api, manager, 'v1/services', metadata.name, { spec: { selector: { 'scaler/asleep': value } } }),
        'f:spec',
        'f:selector',
      );
    assert.deepEqual(await write('first', 'e1'), ['first']);
    assert.deepEqual(await write('second', null), ['second']);
    const { metadata: after } = await api.get('v1/services', metadata.name);
    const entry = after.managedFields.find(({ manager }: Document) => manager === 'second');
    assert.equal(entry.operation, 'Update');
    assert.match(entry.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.ok(Math.abs(Date.parse(entry.time) - Date.parse(after.creationTimestamp)) < 60_000);
  },

  async 'a label is managed by the last writer that set it, and a removed label has no manager: its remover leaves no trace'(
    api,
  ) {
    const { metadata } = await api.workload();
    const write = (manager: string, value: string | null): Promise<Document> =>
      patchAs(api, manager, deployments, metadata.name, { metadata: { labels: { 'scaler/phase': value } } });
    const field = ['f:metadata', 'f:labels', 'f:scaler/phase'] as const;
    assert.deepEqual(managersOf(await write('first', 'asleep'), ...field), ['first']);
    assert.deepEqual(managersOf(await write('second', 'awake'), ...field), ['second']);
    const removed = await write('third', null);
    assert.deepEqual(managersOf(removed, ...field), []);
    assert.equal(
      removed.metadata.managedFields.some(({ manager }: Document) => manager === 'third'),
      false,
    );
  },

  async 'replicas set through the scale have that manager, and a 0 set through the scale has none'(api) {
    const { metadata } = await api.workload('deployments', { generateName: 'promise-' });
    const { name } = metadata;
    const scaled = async (manager: string, replicas: number): Promise<string[]> => {
      const body = { metadata: { name, namespace: api.namespace }, spec: { replicas } };
      await api.demand(200, 'PUT', api.at(deployments, name, 'scale'), {
        body,
        query: { fieldManager: manager },
      });
      return managersOf(await api.get(deployments, name), 'f:spec', 'f:replicas');
    };
    // Paused and never scheduled, so that no pod runs.
    await patchAs(api, 'first', deployments, name, {
      spec: { paused: true, template: { spec: { schedulerName: 'none' } } },
    });
    assert.deepEqual(await scaled('hpa', 1), ['hpa scale']);
    assert.deepEqual(await scaled('hpa', 0), []);
    const body = await patchAs(api, 'first', deployments, name, { spec: { replicas: 1 } });
    assert.deepEqual(managersOf(body, 'f:spec', 'f:replicas'), ['first']);
    await patchAs(api, 'first', deployments, name, { spec: { replicas: 0 } });
  },
};
