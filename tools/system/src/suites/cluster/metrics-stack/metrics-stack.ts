import { until } from '@scaler/command';
import { systemClock } from '@scaler/scaler-types';
import { atLeast, type Finding, none, seconds } from '../../../harness/report.ts';
import type { Ground, Scenario } from '../scenario.ts';
import { phaseOf, readWorkload, untilPhase } from '../site/seen.ts';
import { askOnce, createWorkloads, type Described, urlOf } from '../site/workloads.ts';
import { saidByReadme, type Stack, startStack } from './stack.ts';
import { askPod, type Client } from '../site/client.ts';

const windowMs = 8000;
/** An Event tells what is unknown for two windows. */
const longMs = 2.5 * windowMs;

export const metricsStack: Scenario = {
  name: 'metrics-stack',
  doc: 'Parked by a counter that comes from Prometheus through prometheus-adapter, by the rules of the README, and by nothing else.',
  limitMs: 480_000,
  async run(ground) {
    const stage = await setStage(ground);
    const steps = [inUse, idle, prometheusRestarted, adapterGone, podNotScraped];
    const findings: Finding[] = [];
    for (const step of steps) findings.push(...(await step(stage)));
    return findings;
  },
};

async function setStage(ground: Ground): Promise<Stage> {
  const window = `${windowMs / 1000}s`;
  const client = await ground.client();
  const said = await saidByReadme(window);
  const namespace = await ground.namespace();
  const web = appOf(namespace, 'web', 'deployments.apps/web', said.annotations.deployment);
  const byPods = appOf(namespace, 'by-pods', 'pods/*', said.annotations.pods.replace('app=web', 'app=by-pods'));
  await ground.product({ autoscaler: { settings: { metricsSource: ['custom-metrics'] } } });
  const [stack] = await Promise.all([startStack(ground, namespace, said), createWorkloads(ground, [web, byPods])]);
  await untilPhase(ground, [web, byPods], 'awake');
  return { ground, stack, client, windowMs, metric: `requests_per_${window}`, web, byPods };
}

/** Three windows of requests straight to the pods. */
async function inUse(stage: Stage): Promise<readonly Finding[]> {
  const { ground, client, metric, web, byPods } = stage;
  for (const app of [web, byPods]) {
    ground.later(() => client.traffic.stop(app.name));
    await client.traffic.start(app.name, { url: urlOf(app), rps: 3, keepAlive: false });
    await until(`${metric} to be above 0`, limitMs, async () => ((await valueOf(stage, app)) ?? 0) > 0 || undefined);
  }
  const gone = await sightingsNotAwake(stage, [web, byPods], 3 * windowMs);
  const values = [await valueOf(stage, web), await valueOf(stage, byPods)];
  const reports = await client.traffic.reports();
  for (const { name } of [web, byPods]) {
    await client.traffic.stop(name);
    ground.count(reports[name]?.sent ?? 0, reports[name]?.failed ?? 0);
  }
  return [
    {
      what: `${metric} at 3 requests a second: of the Deployment, of the sum over pods`,
      wanted: '> 0',
      got: values.join(', '),
      good: values.every((value) => value !== undefined && value > 0),
    },
    none('looks at which one was not awake in three windows of requests', gone),
  ];
}

/** Parked not before its window, and woken by a request. */
async function idle(stage: Stage): Promise<readonly Finding[]> {
  const { metric, web, byPods } = stage;
  const findings = await parked(stage, 'after the last request', [web, byPods]);
  const got = await keptReason(stage, web);
  const reason = { what: 'the reason that is kept names the metric', wanted: metric, got, good: got.includes(metric) };
  return [...findings, reason, ...(await woken(stage, [web, byPods]))];
}

/** All that Prometheus knew is gone: the window starts anew. */
async function prometheusRestarted(stage: Stage): Promise<readonly Finding[]> {
  const { stack, web, byPods } = stage;
  await untilKnown(stage);
  await stack.restartPrometheus();
  await untilKnown(stage);
  const findings = await parked(stage, 'after a Prometheus without its data tells again', [web, byPods]);
  return [...findings, ...(await woken(stage, [web]))];
}

/** Nothing is known: who is awake stays awake, and who sleeps is woken all the same. */
async function adapterGone(stage: Stage): Promise<readonly Finding[]> {
  const { ground, stack, web, byPods } = stage;
  await untilKnown(stage);
  await stack.scaleAdapter(0);
  const gone = await sightingsNotAwake(stage, [web], longMs);
  const event = await until('an Event of it', limitMs, async () => {
    const selector = `reason=IdlenessUnknown,involvedObject.name=${web.name}`;
    const columns = ['-o', 'jsonpath={.items[-1].message}'];
    const text = await ground.kubectl(['-n', web.namespace, 'get', 'events', '--field-selector', selector, ...columns]);
    return text === '' ? undefined : text;
  });
  ground.log(event);
  const wakes = await woken(stage, [byPods], ' without the adapter');
  const later = await sightingsNotAwake(stage, [web, byPods], windowMs);
  await stack.scaleAdapter(1);
  await untilKnown(stage);
  return [
    none(`looks at which one was not awake in ${seconds(longMs + windowMs)} without the adapter`, gone + later),
    ...wakes,
    ...(await parked(stage, 'after the adapter tells again', [web, byPods])),
    ...(await woken(stage, [web, byPods])),
  ];
}

/** One pod of two tells nothing of itself. It may be the one in use. */
async function podNotScraped(stage: Stage): Promise<readonly Finding[]> {
  const { web, byPods } = stage;
  await untilKnown(stage);
  for (const app of [web, byPods]) await switchMetrics(stage, app, 'off');
  await until('the metric to be gone', limitMs, async () => (await valueOf(stage, web)) === undefined || undefined);
  const gone = await sightingsNotAwake(stage, [web, byPods], longMs);
  const sum = await valueOf(stage, byPods);
  const sinceMs = performance.now();
  for (const app of [web, byPods]) await switchMetrics(stage, app, 'on');
  // The sum is known all the while, and tells for a window more of the pod that was missed.
  const when = 'after all its pods are scraped again';
  const parks = await Promise.all([
    untilKnown(stage).then(() => parked(stage, when, [web])),
    parked(stage, when, [byPods], sinceMs),
  ]);
  return [
    none(`looks at which one was not awake in ${seconds(longMs)} with a pod that cannot be scraped`, gone),
    atLeast('the sum over pods meanwhile', sum, 1),
    ...parks.flat(),
  ];
}

/** A Deployment of two pods, asleep by what the custom metrics API has of the requests that they count. */
export interface App extends Described {
  /** The name by which the API is asked: `deployments.apps/NAME`, or pods by their label. */
  readonly object: string;
}

export function appOf(namespace: string, name: string, object: string, metrics: string): App {
  const annotations = { 'scaler/routing': 'auto', 'scaler/metrics': metrics };
  return { namespace, name, object, mode: 'selector', replicas: 2, annotations };
}

/** The ground of all steps. */
export interface Stage {
  readonly ground: Ground;
  readonly stack: Stack;
  readonly client: Client;
  readonly windowMs: number;
  /** `requests_per_8s` */
  readonly metric: string;
  /** By the Deployment itself. */
  readonly web: App;
  /** By the sum over its pods. */
  readonly byPods: App;
}

const lookMs = 250;
export const limitMs = 90_000;
/** Between two scrapes, and between two ticks. */
const slackMs = 1000;

export function valueOf({ stack, metric }: Stage, { object, name }: App): Promise<number | undefined> {
  return stack.value(object, metric, object.endsWith('*') ? `app=${name}` : undefined);
}

/** Waits until the metric of both is known. */
export async function untilKnown(stage: Stage): Promise<void> {
  for (const app of [stage.web, stage.byPods]) {
    await until(`${stage.metric} of ${app.name} to be known`, limitMs, async () => {
      const { status } = await readWorkload(stage.ground, app);
      return !status?.readyReplicas || (await valueOf(stage, app)) !== undefined || undefined;
    });
  }
}

/** For so long: how often one of them was seen in another phase than awake. */
export async function sightingsNotAwake({ ground }: Stage, apps: readonly App[], forMs: number): Promise<number> {
  const end = performance.now() + forMs;
  let sightings = 0;
  while (performance.now() < end) {
    for (const app of apps) if (phaseOf(await readWorkload(ground, app)) !== 'awake') sightings += 1;
    ground.signal.throwIfAborted();
    await systemClock.sleep(lookMs);
  }
  return sightings;
}

/** Waits until all are asleep: none of them begins before its window is over, counted from now or `sinceMs`. */
export async function parked(
  stage: Stage,
  when: string,
  apps: readonly App[],
  sinceMs = performance.now(),
): Promise<Finding[]> {
  const { ground, windowMs } = stage;
  return Promise.all(
    apps.map(async (app) => {
      await until(`${app.name} to be parked`, limitMs, async () => {
        ground.signal.throwIfAborted();
        return phaseOf(await readWorkload(ground, app)) !== 'awake' || undefined;
      });
      const beganMs = performance.now() - sinceMs;
      await untilPhase(ground, [app], 'asleep');
      const asleepMs = performance.now() - sinceMs;
      ground.log(`${app.name}, ${when}: park begun after ${seconds(beganMs)}, asleep after ${seconds(asleepMs)}`);
      const wanted = windowMs - slackMs;
      return {
        what: `${app.name}: park begun ${when}`,
        wanted: `≥ ${seconds(wanted)}`,
        got: seconds(beganMs),
        good: beganMs >= wanted,
      };
    }),
  );
}

/** One request each, whose first answer is that of a pod. */
export async function woken({ ground }: Stage, apps: readonly App[], how = ''): Promise<Finding[]> {
  const findings = await Promise.all(
    apps.map(async (app): Promise<Finding> => {
      const { ok, ms, text } = await askOnce(ground, app);
      ground.log(`${app.name}: woken${how}, answered after ${seconds(ms)}`);
      const got = ok ? `yes, after ${seconds(ms)}` : text;
      return { what: `${app.name}: woken${how} by a request, which is answered`, wanted: 'yes', got, good: ok };
    }),
  );
  await untilPhase(ground, apps, 'awake');
  return findings;
}

/** The reason of its last transition, as it is kept on it. */
export async function keptReason({ ground }: Stage, app: App): Promise<string> {
  const { metadata } = await readWorkload(ground, app);
  return (JSON.parse(metadata?.annotations?.['scaler/state'] ?? '{}') as { reason?: string }).reason ?? '';
}

/** One of its pods gives its metrics, or answers 500 instead. */
export async function switchMetrics({ ground }: Stage, { namespace, name }: App, how: 'on' | 'off'): Promise<void> {
  const args = ['-n', namespace, 'get', 'pods', '-l', `app=${name}`, '-o', 'jsonpath={.items[0].metadata.name}'];
  const pod = { namespace, name: await ground.kubectl(args), port: 9091 };
  await askPod(ground.kube, pod, 'PUT', `/metrics/${how}`);
}
