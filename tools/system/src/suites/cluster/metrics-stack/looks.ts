import { systemClock } from '@scaler/scaler-types';
import { until } from '@scaler/command';
import { type Finding, seconds } from '../../../harness/report.ts';
import { askPod, type Client } from '../site/client.ts';
import type { Ground } from '../scenario.ts';
import { phaseOf, readWorkload, untilPhase } from '../site/seen.ts';
import { askOnce, type Described } from '../site/workloads.ts';
import type { Stack } from './stack.ts';

/** A Deployment of two pods, asleep by what the custom metrics API has of the requests that they count. */
export interface App extends Described {
  /** What the API is asked for: `deployments.apps/NAME`, or pods by their label. */
  readonly object: string;
}

export function appOf(namespace: string, name: string, object: string, metrics: string): App {
  const annotations = { 'scaler/routing': 'auto', 'scaler/metrics': metrics };
  return { namespace, name, object, mode: 'selector', replicas: 2, annotations };
}

/** What all steps stand on. */
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
