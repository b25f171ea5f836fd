import { expect, test } from '@jest/globals';
import { otherWriter } from './who.ts';

const at = (seconds: number): string => new Date(seconds * 1_000).toISOString().replace('.000Z', 'Z');
const entry = (manager: string, seconds: number, fieldsV1: object, subresource?: string) => ({
  ...{ manager, operation: 'Update', time: at(seconds), fieldsV1 },
  ...(subresource === undefined ? {} : { subresource }),
});
const replicas = { 'f:spec': { 'f:replicas': {} } };
const path = ['f:spec', 'f:replicas'];

test('the manager of a field wrote it, whenever that was', () => {
  const managedFields = [entry('helm', 50, { 'f:spec': {} }), entry('argocd-controller', 10, replicas)];
  expect(otherWriter({ managedFields }, path, 40_000)).toEqual({ manager: 'argocd-controller', sure: true });
});

test('where no other client manages it, the last one to write the object since then may have', () => {
  const managedFields = [
    entry('scaler', 60, replicas),
    entry('kube-controller-manager', 59, {}, 'status'),
    entry('flux', 30, {}),
    entry('helm', 20, {}),
  ];
  expect(otherWriter({ managedFields }, path, 30_900)).toEqual({ manager: 'flux', sure: false });
  expect(otherWriter({ managedFields }, path, 31_000)).toBeUndefined();
  expect(otherWriter({}, path, 0)).toBeUndefined();
});
