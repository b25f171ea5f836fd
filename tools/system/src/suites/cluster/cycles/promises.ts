import { connectRawApi, kubernetesApiPromises, type RawApi } from '@scaler/testing-kit/kubernetes';
import { kubectl } from '@scaler/chart';
import { until } from '@scaler/command';
import type { KubeClient } from '@scaler/kube';
import { apply, binding, forNamespace, namespaceObject } from '../site/manifests.ts';

const namespace = 'scaler-e2e-promises';
const name = 'scaler-e2e-promises';

/** Puts what the fake Kubernetes API promises to this real one; resolves with what it does otherwise. */
export async function brokenPromises(client: KubeClient): Promise<string[]> {
  const broken: string[] = [];
  try {
    const api = await prepare(client);
    for (const promise of kubernetesApiPromises) {
      try {
        await promise.run(api);
      } catch (error) {
        broken.push(`${promise.name}: ${(error as Error).message}`);
      }
    }
  } finally {
    await kubectl(['delete', 'clusterrolebinding', ...forNamespace(namespace)]);
    await kubectl(['delete', 'namespace', namespace, '--wait=false', '--ignore-not-found']);
  }
  console.log(
    `what the fake API promises: this one keeps ${kubernetesApiPromises.length - broken.length} of ${kubernetesApiPromises.length}`,
  );
  for (const text of broken) console.log(`!! ${text}`);
  return broken;
}

/** A namespace of their own, and an administrator's token. */
async function prepare(client: KubeClient): Promise<RawApi> {
  await apply([
    namespaceObject(namespace),
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } },
    binding('ClusterRoleBinding', { name }, 'ClusterRole/cluster-admin', { namespace, name }),
  ]);
  const read = <T>(path: string): Promise<T | undefined> =>
    client.request('GET', `/api/v1/namespaces/${namespace}/${path}`) as Promise<T | undefined>;
  await until('the default ServiceAccount', 20_000, () => read('serviceaccounts/default'));
  const { data } = await until('the root certificate', 20_000, () =>
    read<{ data: Record<string, string> }>('configmaps/kube-root-ca.crt'),
  );
  const answer = (await client.request('POST', `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`, {
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 3600 } },
  })) as { status: { token: string } };
  const ca = data['ca.crt'];
  return connectRawApi({ url: client.server.href, token: answer.status.token, namespace, ...(ca && { ca }) });
}
