import { type Mode, serviceObject, untilPhase, untilRestored, urlOf, type Where } from '../site/workloads.ts';
import { answered, answersSoon, type Case, type Scene } from './case.ts';

const patch = ({ ground }: Scene, { namespace, name }: Where, spec: object): Promise<string> =>
  ground.kubectl(['-n', namespace, 'patch', 'service', name, '--type=merge', '-p', JSON.stringify({ spec })]);

/** The Service is turned to other pods, as in a blue-green rollout; they are of no workload of ours. */
export function turned(namespace: string, mode: Mode): Case {
  const described = { namespace, name: `turned-${mode}`, mode };
  return {
    described,
    async act(scene) {
      await patch(scene, described, { selector: { app: 'green' } });
      await answersSoon(scene, urlOf(described), 45_000, 20_000, 'green');
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
      await answersSoon(scene, urlOf(described, 8000), 45_000, 20_000);
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
