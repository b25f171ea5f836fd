import { kubectl } from '@scaler/chart';
import { until } from '@scaler/command';
import { sum } from '../../../harness/report.ts';
import { productNamespace } from './install.ts';
import type { Where } from './seen.ts';

export type App = 'autoscaler' | 'dlx';

/** kubectl in the product's namespace. */
export function inProduct(...args: string[]): Promise<string> {
  return kubectl(['-n', productNamespace, ...args]);
}

/** The names of an app's pods; `fields` selects among them. */
export async function podsOf(app: App, fields = 'status.phase=Running'): Promise<string[]> {
  const selector = ['-l', `app.kubernetes.io/component=${app}`, `--field-selector=${fields}`];
  return (await inProduct('get', 'pods', ...selector, '-o', 'jsonpath={.items[*].metadata.name}'))
    .split(' ')
    .filter(Boolean);
}

/** Resolves when all of an app's pods are those of its Deployment, and ready. */
export function rolledOut(app: App, timeoutSeconds: number): Promise<string> {
  return inProduct('rollout', 'status', `deployment/scaler-${app}`, `--timeout=${timeoutSeconds}s`);
}

/** The steps between a request and its answer when a sleeper is woken, in their order. */
export const wakeSteps = ['call', 'scheduled', 'ready', 'first_byte'] as const;

/** One series of the `/metrics` of these pods, by pod; `series` with its labels, as it is written there. */
async function series(pods: readonly string[], ...names: string[]): Promise<number[][]> {
  return Promise.all(
    pods.map(async (pod) => {
      const path = `/api/v1/namespaces/${productNamespace}/pods/${pod}:8081/proxy/metrics`;
      const lines = (await kubectl(['get', '--raw', path])).split('\n');
      return names.map((name) => Number(lines.find((line) => line.startsWith(`${name} `))?.slice(name.length) ?? 0));
    }),
  );
}

/** Seconds that the wakes so far took to come to each step, from the arrival of their first request, added up. */
export async function wakeSeconds(pods: readonly string[]): Promise<readonly number[]> {
  const each = await series(pods, ...wakeSteps.map((step) => `scaler_dlx_wake_phase_seconds_sum{phase="${step}"}`));
  return wakeSteps.map((_, i) => sum(each, (values) => values[i] ?? 0));
}

/** How many requests each of them holds. */
export async function heldBy(pods: readonly string[]): Promise<number[]> {
  return (await series(pods, 'scaler_dlx_held')).flat();
}

/** The autoscaler's own explanation of what it does with a workload; of the replica that acts. */
async function explanationOf({ namespace, name }: Where): Promise<string> {
  for (const text of await askAutoscaler('GET', `/resources/${namespace}/${name}/decisions`)) {
    const { leads, explanation } = JSON.parse(text) as { leads?: boolean; explanation?: string };
    if (leads) return explanation ?? '';
  }
  throw new Error('no replica of the autoscaler acts');
}

/** The autoscaler's explanation, once it matches. */
export function explained(where: Where, why: RegExp, limitMs: number): Promise<string> {
  return until(`an explanation of ${where.name}`, limitMs, async () => {
    const text = await explanationOf(where);
    if (!why.test(text)) throw new Error(text);
    return text;
  });
}

/** Asks the admin API of each replica of the autoscaler, which is on the pod's loopback alone; resolves with the answers. */
export async function askAutoscaler(method: 'GET' | 'PUT' | 'DELETE', path: string): Promise<string[]> {
  const url = `http://127.0.0.1:8082${path}`;
  const code = `fetch('${url}',{method:'${method}'}).then(async r=>console.log(await r.text()))`;
  return Promise.all((await podsOf('autoscaler')).map((pod) => inProduct('exec', pod, '--', 'node', '-e', code)));
}
