import { systemClock } from '@scaler/scaler-types';
import { until } from '@scaler/command';
import { phaseOf, readWorkload, untilPhase, untilRestored, type Where } from '../site/seen.ts';
import { askOnce, type Described, type Mode, modes, serviceObject, urlOf, workloadObject } from '../site/workloads.ts';
import { type Finding, seconds, tried } from '../../../harness/report.ts';
import type { Answer, Client } from '../site/client.ts';
import type { Ground } from '../scenario.ts';

const patchService = ({ ground }: Scene, { namespace, name }: Where, spec: object): Promise<string> =>
  ground.kubectl(['-n', namespace, 'patch', 'service', name, '--type=merge', '-p', JSON.stringify({ spec })]);

/** Its template is edited while it sleeps. */
const edited = (namespace: string, mode: Mode): Case => ({
  described: { namespace, name: `edited-${mode}`, mode, env: { REVISION: '1' } },
  async act(scene, one) {
    await scene.ground.kubectl(['-n', namespace, 'set', 'env', `deployment/${one.name}`, 'REVISION=2']);
    const { revision } = await answered(scene, one);
    if (revision !== '2') throw new Error(`answered by revision ${revision}`);
    return 'answered by the new revision';
  },
});

/** It is deleted, and made anew later. Meanwhile no request is held in vain. */
const deleted = (namespace: string, mode: Mode): Case => ({
  described: { namespace, name: `deleted-${mode}`, mode },
  async act(scene, one) {
    const { ground, client } = scene;
    await ground.kubectl(['-n', namespace, 'delete', 'deployment', one.name]);
    await untilRestored(ground, one);
    // kube-proxy has to hear of it.
    await systemClock.sleep(1_000);
    const { ok, ms, text } = await client.ask({ protocol: 'get', url: urlOf(one), timeoutMs: 20_000 });
    if (ok || ms > 10_000) throw new Error(`without a workload: ${text} after ${ms} ms`);
    await client.setMetric(namespace, one.name, '5');
    await ground.apply([workloadObject(one, ground.images.app)]);
    await untilPhase(ground, [one], 'awake');
    await answersSoon(scene, urlOf(one), 20_000, 10_000);
    return `restored; then refused after ${ms} ms; answers as made anew`;
  },
});

/** Deleted, and applied under another name from what the cluster had of it: with our labels, and no replicas. */
const renamed = (namespace: string, mode: Mode): Case => ({
  described: { namespace, name: `renamed-${mode}`, mode },
  async act(scene, one) {
    const { ground, client } = scene;
    const { metadata, spec } = await readWorkload(ground, one);
    await ground.kubectl(['-n', namespace, 'delete', 'deployment', one.name]);
    const name = `${one.name}-b`;
    const { labels, annotations } = metadata ?? {};
    await client.setMetric(namespace, name, '5');
    await ground.apply([
      { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, namespace, labels, annotations }, spec },
    ]);
    const beginMs = performance.now();
    await answersSoon(scene, urlOf(one), 60_000, 30_000);
    const ms = Math.round(performance.now() - beginMs);
    await untilPhase(ground, [{ namespace, name }], 'awake');
    return `answers ${ms} ms after it was renamed`;
  },
});

/** The Service is turned to other pods, as in a blue-green rollout; they are of no workload of ours. */
const turned = (namespace: string, mode: Mode): Case => ({
  described: { namespace, name: `turned-${mode}`, mode },
  async act(scene, one) {
    await patchService(scene, one, { selector: { app: 'green' } });
    await answersSoon(scene, urlOf(one), 45_000, 20_000, 'green');
    await untilRestored(scene.ground, one);
    return 'answered by the other pods, restored';
  },
});

/** The Service gets another port. */
const otherPort = (namespace: string, mode: Mode): Case => ({
  described: { namespace, name: `port-${mode}`, mode },
  async act(scene, one) {
    await patchService(scene, one, { ports: [{ name: 'http', port: 8000, targetPort: 'web' }] });
    await scene.client.setMetric(namespace, one.name, '5');
    await answersSoon(scene, urlOf(one, 8000), 45_000, 20_000);
    await untilPhase(scene.ground, [one], 'awake');
    return `woken on its new port`;
  },
});

/** Another Service of the same pods. */
const twoServices = (namespace: string, mode: Mode): Case => ({
  described: { namespace, name: `two-${mode}`, mode },
  more: [serviceObject(namespace, `two-${mode}-b`, `two-${mode}`)],
  async act(scene, one) {
    const second = { namespace, name: `${one.name}-b` };
    await scene.client.setMetric(namespace, one.name, '5');
    await answered(scene, second);
    await answered(scene, one);
    if (mode === 'always') return 'both answer';
    for (const service of [one, second]) await untilRestored(scene.ground, service);
    return 'both answer, both restored';
  },
});

/** A HorizontalPodAutoscaler on it, which leaves what has no replicas alone. */
const scaledByHpa = (namespace: string): Case => ({
  described: { namespace, name: 'hpa', mode: 'selector', replicas: 2 },
  more: [
    {
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
    },
  ],
  async act(scene, one) {
    // Two looks of the HPA's controller.
    await systemClock.sleep(31_000);
    const phase = phaseOf(await readWorkload(scene.ground, one));
    if (phase !== 'asleep') throw new Error(`it is ${phase} without a request`);
    await scene.client.setMetric(namespace, one.name, '5');
    const { ms } = await answered(scene, one);
    await untilPhase(scene.ground, [one], 'awake');
    const { spec } = await readWorkload(scene.ground, one);
    if (spec?.replicas !== 2) throw new Error(`woken with ${spec?.replicas} replicas`);
    return `slept on for 31 s, answered after ${ms} ms with 2 replicas`;
  },
});

const statefulSet = (namespace: string): Case => ({
  described: { namespace, name: 'stateful', mode: 'always', kind: 'StatefulSet' },
  async act(scene, one) {
    const { identity, ms } = await answered(scene, one);
    if (identity !== 'stateful-0') throw new Error(`answered by ${identity}`);
    return `answered by ${identity} after ${ms} ms`;
  },
});

/** Pods that take half a minute: the client waits. */
const slow = (namespace: string, mode: Mode): Case => ({
  described: { namespace, name: `slow-${mode}`, mode, env: { START_DELAY_MS: '30000' } },
  async act(scene, one) {
    const { ms } = await answered(scene, one);
    if (ms < 30_000 || ms > 50_000) throw new Error(`answered after ${ms} ms`);
    return `answered after ${ms} ms`;
  },
});

/** Pods that never come up: the answer has the cause, within the limit. */
const hopeless = (namespace: string, name: string, container: object, why: RegExp): Case => ({
  described: { namespace, name, mode: 'selector', annotations: { 'scaler/hold-timeout': '60s' } },
  async act({ ground, client }, one) {
    const spec = { template: { spec: { containers: [{ name: 'app', ...container }] } } };
    await ground.kubectl(['-n', namespace, 'patch', 'deployment', name, '-p', JSON.stringify({ spec })]);
    const { status, text, ms } = await client.ask({ protocol: 'get', url: urlOf(one), timeoutMs: 70_000 });
    if (status !== 503 || !why.test(text)) throw new Error(`${status} after ${ms} ms: ${text}`);
    const { code, detail } = JSON.parse(text) as { code: string; detail: string };
    return `${code} after ${ms} ms: ${detail}`;
  },
});

/** Those that take half a minute each, and the others. */
export function casesIn(namespace: string): { readonly long: readonly Case[]; readonly short: readonly Case[] } {
  const crashing = { command: ['node', '-e', 'process.exit(3)'] };
  const ofEach = [edited, deleted, renamed, turned, otherPort, twoServices];
  return {
    long: [
      slow(namespace, 'selector'),
      slow(namespace, 'always'),
      scaledByHpa(namespace),
      hopeless(namespace, 'no-image', { image: 'localhost/none:1' }, /wake-failed.*Image/s),
      hopeless(namespace, 'crashes', crashing, /wake-failed.*CrashLoopBackOff/s),
    ],
    short: [...ofEach.flatMap((of) => modes.map((mode) => of(namespace, mode))), statefulSet(namespace)],
  };
}

/** The parts that a case needs to act. */
export interface Scene {
  readonly ground: Ground;
  readonly client: Client;
}

/** Something that is done to a sleeper, and what has to come of it. */
export interface Case {
  readonly described: Described;
  /** Further objects beside the workload and its Service. */
  readonly more?: readonly object[];
  /** Once all sleep. Rejects when it did not come to what it had to. */
  act(scene: Scene, described: Described): Promise<string>;
}

/** Acts, and tells what came of it. */
export async function findingOf(one: Case, scene: Scene): Promise<Finding> {
  const beginMs = performance.now();
  const finding = await tried(one.described.name, 'as it must be', () => one.act(scene, one.described));
  return { ...finding, got: `${finding.got} (${seconds(performance.now() - beginMs)})` };
}

/** The pod that answered, by its echo. */
export interface Echo {
  readonly identity: string;
  readonly revision?: string;
}

/** Asks once, and has to be answered. @throws with the answer, where it is not the right one. */
export async function answered({ ground }: Scene, where: Where): Promise<Echo & { ms: number }> {
  const answer = await askOnce(ground, where);
  return { ...echoOf(answer), ms: answer.ms };
}

/** Asks again and again, each time for so long, until it is answered, by a pod whose name begins so. */
export async function answersSoon(
  { client }: Scene,
  url: string,
  limitMs: number,
  timeoutMs: number,
  pod = '',
): Promise<void> {
  await until('an answer', limitMs, async () => {
    const { identity } = echoOf(await client.ask({ protocol: 'get', url, timeoutMs }));
    if (!identity.startsWith(pod)) throw new Error(`answered by ${identity}`);
    return true;
  });
}

/** @throws where it is none. */
function echoOf({ ok, status, text }: Answer): Echo {
  if (!ok) throw new Error(`answered ${status ?? 'nothing'}: ${text}`);
  return JSON.parse(text) as Echo;
}
