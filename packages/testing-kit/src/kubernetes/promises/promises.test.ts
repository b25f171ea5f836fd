import { afterAll, beforeAll, describe, test } from '@jest/globals';
import { type FakeApi, startFakeApi } from '../api/fake-api.ts';
import { kubernetesApiPromises } from './promises.ts';
import { connectRawApi } from './raw-api.ts';

let api: FakeApi;

beforeAll(async () => {
  api = await startFakeApi();
  api.store.create('v1/namespaces', { metadata: { name: 'promises' } });
});

afterAll(() => api.close());

describe('the fake Kubernetes API keeps what a real one promises', () => {
  test.each(kubernetesApiPromises)('$name', async ({ run }) => {
    await run(connectRawApi({ url: api.url, token: 'promises', namespace: 'promises' }));
  });
});
