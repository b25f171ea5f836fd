import { until } from '@scaler/command';
import { kinds } from '@scaler/kube';
import type { Ground } from '../scenario.ts';
import { type Mode, serviceObject, untilPhase, urlOf, type Where } from '../site/workloads.ts';
import { answered, type Case, echoOf, type Scene } from './case.ts';

/** By what a Service is diverted: its key, slices. */
export async function diversionOf({ kube }: Ground, { namespace, name }: Where): Promise<string[]> {
  const { items } = (await kube.request('GET', `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`, {
    query: { labelSelector: `kubernetes.io/service-name=${name},endpointslice.kubernetes.io/managed-by=scaler` },
  })) as { items: { metadata: { name: string } }[] };
  const { spec } = await kube.get(kinds.service, { namespace, name });
  const key = spec?.selector?.['scaler/asleep'];
  return [...(key === undefined ? [] : ['the key']), ...items.map(({ metadata }) => metadata.name)];
}

/** @throws when it is still diverted then. */
export async function untilRestored(ground: Ground, where: Where): Promise<void> {
  await until(`the Service ${where.name} to be restored`, 45_000, async () => {
    const left = await diversionOf(ground, where);
    if (left.length > 0) throw new Error(`it still has ${left.join(', ')}`);
    return true;
  });
}

const patch = ({ ground }: Scene, { namespace, name }: Where, spec: object): Promise<string> =>
  ground.kubectl(['-n', namespace, 'patch', 'service', name, '--type=merge', '-p', JSON.stringify({ spec })]);

/** The Service is turned to other pods, as in a blue-green rollout; they are of no workload of ours. */
export function turned(namespace: string, mode: Mode): Case {
  const described = { namespace, name: `turned-${mode}`, mode };
  return {
    described,
    async act(scene) {
      await patch(scene, described, { selector: { app: 'green' } });
      await until('an answer by the other pods', 45_000, async () => {
        const { identity } = echoOf(
          await scene.client.ask({ protocol: 'get', url: urlOf(described), timeoutMs: 20_000 }),
        );
        if (!identity.startsWith('green')) throw new Error(`answered by ${identity}`);
        return true;
      });
      await untilRestored(scene.ground, described);
      return 'answered by the other pods, restored';
    },
  };
}

/** The Service gets another port. */
export function otherPort(namespace: string, mode: Mode): Case {
  const described = { namespace, name: `port-${mode}`, mode };
  return {
    described,
    async act(scene) {
      await patch(scene, described, { ports: [{ name: 'http', port: 8000, targetPort: 'web' }] });
      await scene.client.setMetric(namespace, described.name, '5');
      await until('an answer on the new port', 45_000, async () => {
        echoOf(await scene.client.ask({ protocol: 'get', url: urlOf(described, 8000), timeoutMs: 20_000 }));
        return true;
      });
      await untilPhase(scene.ground, [described], 'awake');
      return `woken on its new port`;
    },
  };
}

/** Another Service of the same pods. */
export function twoServices(namespace: string, mode: Mode): Case {
  const described = { namespace, name: `two-${mode}`, mode };
  const second = { namespace, name: `${described.name}-b` };
  return {
    described,
    more: [serviceObject(namespace, second.name, described.name)],
    async act(scene) {
      await scene.client.setMetric(namespace, described.name, '5');
      await answered(scene, second);
      await answered(scene, described);
      if (mode === 'always') return 'both answer';
      for (const service of [described, second]) await untilRestored(scene.ground, service);
      return 'both answer, both restored';
    },
  };
}
