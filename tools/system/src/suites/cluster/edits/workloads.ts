import { systemClock } from '@scaler/scaler-types';
import {
  type Mode,
  phaseOf,
  readWorkload,
  untilPhase,
  untilRestored,
  urlOf,
  workloadObject,
} from '../site/workloads.ts';
import { answered, answersSoon, type Case } from './case.ts';

/** Its template is edited while it sleeps. */
export function edited(namespace: string, mode: Mode): Case {
  const described = { namespace, name: `edited-${mode}`, mode, env: { REVISION: '1' } };
  return {
    described,
    async act(scene) {
      await scene.ground.kubectl(['-n', namespace, 'set', 'env', `deployment/${described.name}`, 'REVISION=2']);
      const { revision } = await answered(scene, described);
      if (revision !== '2') throw new Error(`answered by revision ${revision}`);
      return 'answered by the new revision';
    },
  };
}

/** It is deleted, and made anew later. Meanwhile nobody is held in vain. */
export function deleted(namespace: string, mode: Mode): Case {
  const described = { namespace, name: `deleted-${mode}`, mode };
  return {
    described,
    async act(scene) {
      await scene.ground.kubectl(['-n', namespace, 'delete', 'deployment', described.name]);
      await untilRestored(scene.ground, described);
      // kube-proxy has to hear of it.
      await systemClock.sleep(1_000);
      const { ok, ms, text } = await scene.client.ask({ protocol: 'get', url: urlOf(described), timeoutMs: 20_000 });
      if (ok || ms > 10_000) throw new Error(`without a workload: ${text} after ${ms} ms`);
      await scene.client.setMetric(namespace, described.name, '5');
      await scene.ground.apply([workloadObject(described, scene.ground.images.app)]);
      await untilPhase(scene.ground, [described], 'awake');
      await answersSoon(scene, urlOf(described), 20_000, 10_000);
      return `restored; then refused after ${ms} ms; answers as made anew`;
    },
  };
}

/** Deleted, and applied under another name from what the cluster had of it: with our labels, and no replicas. */
export function renamed(namespace: string, mode: Mode): Case {
  const described = { namespace, name: `renamed-${mode}`, mode };
  return {
    described,
    async act(scene) {
      const { ground, client } = scene;
      const { metadata, spec } = await readWorkload(ground, described);
      await ground.kubectl(['-n', namespace, 'delete', 'deployment', described.name]);
      const name = `${described.name}-b`;
      const { labels, annotations } = metadata ?? {};
      await client.setMetric(namespace, name, '5');
      await ground.apply([
        { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, namespace, labels, annotations }, spec },
      ]);
      const beginMs = performance.now();
      await answersSoon(scene, urlOf(described), 60_000, 30_000);
      const ms = Math.round(performance.now() - beginMs);
      await untilPhase(ground, [{ namespace, name }], 'awake');
      return `answers ${ms} ms after it was renamed`;
    },
  };
}

/** A HorizontalPodAutoscaler on it, which leaves what has no replicas alone. */
export function scaledByHpa(namespace: string): Case {
  const described = { namespace, name: 'hpa', mode: 'selector' as const };
  const hpa = {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'hpa', namespace },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'hpa' },
      minReplicas: 2,
      maxReplicas: 3,
      metrics: [
        { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
      ],
    },
  };
  return {
    described: { ...described, replicas: 2 },
    more: [hpa],
    async act(scene) {
      // Two looks of the HPA's controller.
      await systemClock.sleep(31_000);
      const phase = phaseOf(await readWorkload(scene.ground, described));
      if (phase !== 'asleep') throw new Error(`it is ${phase} without a request`);
      await scene.client.setMetric(namespace, described.name, '5');
      const { ms } = await answered(scene, described);
      await untilPhase(scene.ground, [described], 'awake');
      const { spec } = await readWorkload(scene.ground, described);
      if (spec?.replicas !== 2) throw new Error(`woken with ${spec?.replicas} replicas`);
      return `slept on for 31 s, answered after ${ms} ms with 2 replicas`;
    },
  };
}

export function statefulSet(namespace: string): Case {
  const described = { namespace, name: 'stateful', mode: 'always', kind: 'StatefulSet' } as const;
  return {
    described,
    async act(scene) {
      const { identity, ms } = await answered(scene, described);
      if (identity !== 'stateful-0') throw new Error(`answered by ${identity}`);
      return `answered by ${identity} after ${ms} ms`;
    },
  };
}

/** Pods that take half a minute: the client waits. */
export function slow(namespace: string, mode: Mode): Case {
  const described = { namespace, name: `slow-${mode}`, mode, env: { START_DELAY_MS: '30000' } };
  return {
    described,
    async act(scene) {
      const { ms } = await answered(scene, described);
      if (ms < 30_000 || ms > 50_000) throw new Error(`answered after ${ms} ms`);
      return `answered after ${ms} ms`;
    },
  };
}

/** Pods that never come up: whoever waits is told why, within the limit. */
export function hopeless(namespace: string, name: string, container: object, why: RegExp): Case {
  const described = { namespace, name, mode: 'selector' as const, annotations: { 'scaler/hold-timeout': '60s' } };
  return {
    described,
    async act({ ground, client }) {
      const spec = { template: { spec: { containers: [{ name: 'app', ...container }] } } };
      await ground.kubectl(['-n', namespace, 'patch', 'deployment', name, '-p', JSON.stringify({ spec })]);
      const { status, text, ms } = await client.ask({ protocol: 'get', url: urlOf(described), timeoutMs: 70_000 });
      if (status !== 503 || !why.test(text)) throw new Error(`${status} after ${ms} ms: ${text}`);
      const { code, detail } = JSON.parse(text) as { code: string; detail: string };
      return `${code} after ${ms} ms: ${detail}`;
    },
  };
}
