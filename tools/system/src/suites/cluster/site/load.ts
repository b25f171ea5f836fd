import { systemClock } from '@scaler/scaler-types';
import { until } from '@scaler/command';
import { atLeast, type Finding, none } from '../../../harness/report.ts';
import { type FlowReport, noFlow } from './client.ts';
import type { Ground } from '../scenario.ts';
import { diversionOf, phaseOf, readWorkload, untilPhase } from './seen.ts';
import { askOnce, createWorkloads, type Described, ofEachMode, urlOf } from './workloads.ts';

const steadyRps = 200;
const enough = 5_000;

/**
 * 200 requests per second on new connections to a workload in `always`, so that the DLX has to pass them on; and two
 * workloads of each mode that sleep as soon as they can, asked again and again. Returns a function that goes on until enough
 * was sent, ends all, and counts it on the ground: nothing may be lost.
 */
export async function startLoad(ground: Ground): Promise<() => Promise<Finding[]>> {
  const client = await ground.client();
  const namespace = await ground.namespace();
  const steady: Described = { namespace, name: 'steady', mode: 'always', annotations: { 'scaler/idle-after': '10m' } };
  const sleepers = ofEachMode(namespace, 2);
  await createWorkloads(ground, [steady, ...sleepers]);
  for (const { name } of sleepers) await client.setMetric(namespace, name, '0');
  await untilPhase(ground, [steady], 'awake');
  await until(
    'the DLX to be in the path',
    60_000,
    async () => (await diversionOf(ground, steady)).length > 1 || undefined,
  );
  await untilPhase(ground, sleepers, 'asleep', 120_000);
  const { traffic } = client;
  await traffic.start('steady', { url: `${urlOf(steady)}/`, rps: steadyRps, keepAlive: false });
  const stop = new AbortController();
  const counted = { wakes: 0, failedWakes: 0 };
  const waking = Promise.all(sleepers.map((one) => wakeAgainAndAgain(ground, one, stop.signal, counted)));
  ground.later(() => traffic.stop('steady'));
  const steadyFlow = async (): Promise<FlowReport> => (await traffic.reports())['steady'] ?? noFlow;
  return async () => {
    while ((await steadyFlow()).sent < enough) {
      ground.signal.throwIfAborted();
      await systemClock.sleep(500);
    }
    stop.abort();
    await waking;
    await traffic.pause('steady');
    do await systemClock.sleep(200);
    while ((await steadyFlow()).inFlight > 0);
    const { sent, failed, errors } = await steadyFlow();
    for (const { at, text } of errors.slice(0, 5)) ground.log(`steady: ${at} ${text}`);
    const { wakes, failedWakes } = counted;
    ground.count(sent, failed);
    return [
      atLeast('requests at 200 per second', sent, enough),
      none('lost of them', failed),
      atLeast('sleepers woken meanwhile', wakes, 3),
      none('wakes that failed', failedWakes),
    ];
  };
}

async function wakeAgainAndAgain(
  ground: Ground,
  one: Described,
  signal: AbortSignal,
  counted: { wakes: number; failedWakes: number },
): Promise<void> {
  while (!signal.aborted && !ground.signal.aborted) {
    const phase = await readWorkload(ground, one).then(phaseOf, () => undefined);
    if (phase !== 'asleep') {
      await systemClock.sleep(500);
      continue;
    }
    const { ok } = await askOnce(ground, one);
    counted.wakes += 1;
    if (!ok) counted.failedWakes += 1;
  }
}
