import { kubectl } from '@scaler/chart';
import { productNamespace } from './install.ts';
import type { Ground } from '../scenario.ts';
import type { Where } from './workloads.ts';

/** `REASON: message` of every Event about an object of that name. */
export async function eventsOf({ kube }: Ground, { namespace, name }: Where): Promise<string[]> {
  const query = { fieldSelector: `involvedObject.name=${name}` };
  const { items } = (await kube.request('GET', `/api/v1/namespaces/${namespace}/events`, { query })) as {
    items: { reason: string; message: string }[];
  };
  return items.map(({ reason, message }) => `${reason}: ${message}`);
}

/** The autoscaler's own explanation of what it does with a workload; of the replica that acts. */
export async function explanationOf({ namespace, name }: Where): Promise<string> {
  for (const text of await tellAutoscaler('GET', `/resources/${namespace}/${name}/decisions`)) {
    const { leads, explanation } = JSON.parse(text) as { leads?: boolean; explanation?: string };
    if (leads) return explanation ?? '';
  }
  throw new Error('no replica of the autoscaler acts');
}

/** Asks the admin API of each replica of the autoscaler, which is on the pod's loopback alone; resolves with the answers. */
export async function tellAutoscaler(method: 'GET' | 'PUT' | 'DELETE', path: string): Promise<string[]> {
  const selector = ['-l', 'app.kubernetes.io/component=autoscaler', '-o', 'jsonpath={.items[*].metadata.name}'];
  const pods = (await kubectl(['-n', productNamespace, 'get', 'pods', ...selector])).split(' ');
  const url = `http://127.0.0.1:8082${path}`;
  const code = `fetch('${url}',{method:'${method}'}).then(async r=>console.log(await r.text()))`;
  return Promise.all(pods.map((pod) => kubectl(['-n', productNamespace, 'exec', pod, '--', 'node', '-e', code])));
}
