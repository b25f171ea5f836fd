import { until } from '@scaler/command';
import { isKubeError, type Kind, type KubeClient, type KubeObject } from '@scaler/kube';

/** Creates an object, or replaces the one of that name. */
export async function apply<T extends KubeObject>(client: KubeClient, kind: Kind<T>, object: T): Promise<void> {
  try {
    await client.create(kind, object);
  } catch (error) {
    if (!isKubeError(error, 'already-exists')) throw error;
    const { name = '', namespace } = object.metadata ?? {};
    await client.patch(kind, { name, namespace }, object);
  }
}

/** Deletes an object; it may be gone already. */
export async function remove(client: KubeClient, kind: Kind, name: string, namespace?: string): Promise<void> {
  try {
    await client.delete(kind, { name, namespace }, { propagationPolicy: 'Background' });
  } catch (error) {
    if (!isKubeError(error, 'not-found')) throw error;
  }
}

/** A pod, and a port of its. */
export interface Pod {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
}

/** Asks a pod's HTTP port through the API server, which works wherever kubectl does. */
export function askPod(
  client: KubeClient,
  pod: Pod,
  method: 'GET' | 'PUT' | 'POST' | 'DELETE',
  path: string,
  body?: unknown,
): Promise<unknown> {
  const base = `/api/v1/namespaces/${pod.namespace}/pods/${pod.name}:${pod.port}/proxy`;
  return client.request(method, `${base}${path}`, { body, contentType: 'application/json', timeoutMs: 90_000 });
}

/** The name of the only ready pod that carries the label `app: NAME`. */
export async function readyPod(client: KubeClient, namespace: string, app: string): Promise<string> {
  return until(`a ready pod of ${namespace}/${app}`, 60_000, async () => {
    const answer = (await client.request('GET', `/api/v1/namespaces/${namespace}/pods`, {
      query: { labelSelector: `app=${app}` },
    })) as {
      items: {
        metadata: { name: string; deletionTimestamp?: string };
        status: { conditions?: { type: string; status: string }[] };
      }[];
    };
    const ready = answer.items.find(
      ({ metadata, status }) =>
        !metadata.deletionTimestamp &&
        status.conditions?.some(({ type, status: s }) => type === 'Ready' && s === 'True'),
    );
    return ready?.metadata.name;
  });
}
