import { type FakeApi, silentLogger } from '@scaler/testing-kit';
import { systemClock } from '@scaler/scaler-types';
import type { KubeClient } from '../client/client.ts';
import { createKubeClient } from '../client/connect.ts';

/** A client for a fake API. Close it. */
export function clientOf(api: FakeApi): KubeClient {
  const cluster = {
    server: new URL(api.url),
    namespace: undefined,
    credentials: () => Promise.resolve({ headers: {}, tls: {}, proxy: undefined }),
    forgetCredentials: () => undefined,
  };
  return createKubeClient(cluster, { userAgent: 'kube-test', logger: silentLogger, clock: systemClock });
}
