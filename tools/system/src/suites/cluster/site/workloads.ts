import type { Answer, Ask } from './client.ts';
import type { Ground } from '../scenario.ts';
import { node } from './helpers.ts';
import { untilPhase, type Where } from './seen.ts';
import { deployment, podSpec, service } from './manifests.ts';

export const modes = ['selector', 'overlay', 'always'] as const;
export type Mode = (typeof modes)[number];

/** A workload of the app under test, and its Service of the same name with the ports `http` (80) and `grpc` (9090). */
export interface Described extends Where {
  readonly mode: Mode;
  /** Default 1. */
  readonly replicas?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Over those of the mode: `scaler/idle-after` of 2 s in `always`, a metric that {@link Client.setMetric} says in the others. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** In `overlay`; default 3. */
  readonly preStopSeconds?: number;
}

function annotationsOf({ mode, annotations }: Described): Record<string, string> {
  const idle = mode === 'always' ? { 'scaler/idle-after': '2s' } : { 'scaler/metrics': 'requests_per_4s<=0' };
  return { 'scaler/routing': mode, 'scaler/cooldown': '1s', ...idle, ...annotations };
}

function podOf({ mode, env = {}, preStopSeconds = 3 }: Described, image: string): object {
  const container = {
    ...{ name: 'app', image, command: [...node, 'programs/app.ts'] },
    ports: [
      { name: 'web', containerPort: 8080 },
      { name: 'grpc', containerPort: 9090 },
      { name: 'metrics', containerPort: 9091 },
    ],
    env: Object.entries(env).map(([name, value]) => ({ name, value })),
    readinessProbe: { httpGet: { path: '/healthz', port: 'web' }, periodSeconds: 1 },
    ...(mode === 'overlay' && { lifecycle: { preStop: { sleep: { seconds: preStopSeconds } } } }),
  };
  return podSpec([container], { terminationGracePeriodSeconds: 10, automountServiceAccountToken: false });
}

/** The workload's own object. */
export function workloadObject(described: Described, image: string): object {
  const { namespace, name, kind = 'Deployment', replicas = 1 } = described;
  return deployment(namespace, name, podOf(described, image), {
    ...(typeof kind === 'object' ? { apiVersion: `${kind.group}/${kind.version}`, kind: kind.kind } : { kind }),
    metadata: { labels: { 'scaler/enabled': 'true' }, annotations: annotationsOf(described) },
    spec: { replicas, ...(kind === 'StatefulSet' && { serviceName: name }) },
  });
}

/** A Service of the pods with the label `app`. */
export function serviceObject(namespace: string, name: string, app = name): object {
  const ports = [
    { name: 'http', port: 80, targetPort: 'web' },
    { name: 'grpc', port: 9090, targetPort: 'grpc', appProtocol: 'kubernetes.io/h2c' },
  ];
  return service(namespace, name, ports, app);
}

/** So many workloads of each mode: `MODE-1` and so on. */
export function ofEachMode(namespace: string, count: number, more: Partial<Described> = {}): Described[] {
  return modes.flatMap((mode) =>
    Array.from({ length: count }, (_, i) => ({ ...more, namespace, name: `${mode}-${i + 1}`, mode })),
  );
}

/** Creates workloads with their Services; does not wait. */
export function createWorkloads(ground: Ground, all: readonly Described[]): Promise<void> {
  return ground.apply(
    all.flatMap((one) => [workloadObject(one, ground.images.app), serviceObject(one.namespace, one.name)]),
  );
}

/** Creates workloads that are idle; resolves when all sleep. */
export async function createAsleep(ground: Ground, all: readonly Described[], limitMs?: number): Promise<void> {
  await createWorkloads(ground, all);
  await putToSleep(ground, all, limitMs);
}

/** The metric of each says from now on that it is idle, or busy. */
export async function setIdle(ground: Ground, all: readonly Where[], idle = true): Promise<void> {
  const { setMetric } = await ground.client();
  for (const { namespace, name } of all) await setMetric(namespace, name, idle ? '0' : '5');
}

/** Makes them idle; resolves when all sleep. */
export async function putToSleep(ground: Ground, all: readonly Where[], limitMs?: number): Promise<void> {
  await setIdle(ground, all);
  await untilPhase(ground, all, 'asleep', limitMs);
}

/** `http://NAME.NAMESPACE:80`, of its Service. */
export function urlOf({ namespace, name }: Where, port = 80): string {
  return `http://${name}.${namespace}:${port}`;
}

/** Asks a workload once, counts it, and logs an answer that is not right. */
export async function askOnce(ground: Ground, where: Where, more: Partial<Ask> = {}): Promise<Answer> {
  const answer = await (await ground.client()).ask({ protocol: 'get', url: urlOf(where), ...more });
  ground.count(1, answer.ok ? 0 : 1);
  if (!answer.ok) ground.log(`${where.name}: after ${answer.ms} ms ${answer.text}`);
  return answer;
}
