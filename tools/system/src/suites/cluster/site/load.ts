import { systemClock } from '@scaler/scaler-types';
import { until } from '@scaler/command';
import { atLeast, atMost, type Finding, none, sum } from '../../../harness/report.ts';
import { type FlowReport, noFlow } from './client.ts';
import type { Ground } from '../scenario.ts';
import { diversionOf, phaseOf, readWorkload, untilPhase } from './seen.ts';
import { askOnce, createAsleep, createWorkloads, type Described, ofEachMode, urlOf } from './workloads.ts';
import { heldBy, podsOf } from './apps.ts';

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

const heldEach = 10;

/** Requests that are held. */
export interface Held {
  /** The DLX pods that hold some. */
  readonly pods: readonly string[];
  /** Resolves when all have ended. */
  answered(): Promise<Finding[]>;
}

/** Ten requests for each of three slow sleepers; resolves when all are held. */
export async function hold(ground: Ground): Promise<Held> {
  const slow = ofEachMode(await ground.namespace(), 1, { env: { START_DELAY_MS: '6000' } });
  await createAsleep(ground, slow, 120_000);
  const asks = slow.flatMap((one) =>
    Array.from({ length: heldEach }, () => askOnce(ground, one, { protocol: 'post' })),
  );
  const pods = await podsOf('dlx');
  const held = await until('all to be held', 10_000, async () => {
    const each = await heldBy(pods);
    const inAll = sum(each, (count) => count);
    if (inAll >= asks.length) return each;
    throw new Error(`${inAll} are`);
  });
  ground.log(`held: ${held.join(' + ')}`);
  const answered = async (): Promise<Finding[]> => {
    const answers = await Promise.all(asks);
    const lost = answers.filter(({ ok }) => !ok);
    const slowest = Math.max(...answers.map(({ ms }) => ms));
    return [
      none(`lost of ${answers.length} POSTs of 1 MB that were held`, lost.length),
      atMost('the slowest of them', slowest, 60_000),
    ];
  };
  return { pods: pods.filter((_, i) => (held[i] ?? 0) > 0), answered };
}
