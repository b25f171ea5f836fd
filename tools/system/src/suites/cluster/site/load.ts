import { systemClock } from '@scaler/scaler-types';
import { until } from '@scaler/command';
import { type Finding, none } from '../../../harness/finding.ts';
import type { Client } from './client.ts';
import { diversionOf } from '../edits/services.ts';
import type { Ground } from '../scenario.ts';
import { createWorkloads, type Described, modes, phaseOf, readWorkload, untilPhase, urlOf } from './workloads.ts';

/** Steady requests through the DLX, and sleepers that are woken all the while. */
export interface Load {
  readonly sleepers: readonly Described[];
  /** Goes on until the steady flow has sent so many, ends all, and counts them on the ground. */
  end(atLeast: number): Promise<Loss>;
}

export interface Loss {
  /** Of the steady flow. */
  readonly sent: number;
  readonly lost: number;
  readonly wakes: number;
  readonly failedWakes: number;
}

/** Nothing lost, of enough. */
export function verdictOf({ sent, lost, wakes, failedWakes }: Loss): Finding[] {
  return [
    { what: 'requests at 200 per second', wanted: '≥ 5000', got: String(sent), good: sent >= 5_000 },
    none('lost of them', lost),
    { what: 'sleepers woken meanwhile', wanted: '≥ 3', got: String(wakes), good: wakes >= 3 },
    none('wakes that failed', failedWakes),
  ];
}

const steadyRps = 200;

/**
 * 200 requests per second on new connections to a workload in `always`, so that the DLX has to pass them on; and two
 * workloads of each mode that sleep as soon as they can, asked again and again.
 */
export async function startLoad(ground: Ground, client: Client): Promise<Load> {
  const namespace = await ground.namespace();
  const steady: Described = { namespace, name: 'steady', mode: 'always', annotations: { 'scaler/idle-after': '10m' } };
  const sleepers = modes.flatMap((mode) => [1, 2].map((n): Described => ({ namespace, name: `${mode}-${n}`, mode })));
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
  const waking = Promise.all(sleepers.map((one) => wakeAgainAndAgain(ground, client, one, stop.signal, counted)));
  ground.later(() => traffic.stop('steady'));
  return {
    sleepers,
    async end(atLeast) {
      let flow = (await traffic.reports())['steady'];
      while ((flow?.sent ?? 0) < atLeast) {
        ground.signal.throwIfAborted();
        await systemClock.sleep(500);
        flow = (await traffic.reports())['steady'];
      }
      stop.abort();
      await waking;
      await traffic.pause('steady');
      do {
        await systemClock.sleep(200);
        flow = (await traffic.reports())['steady'];
      } while ((flow?.inFlight ?? 0) > 0);
      for (const { at, text } of flow?.errors.slice(0, 5) ?? []) ground.log(`steady: ${at} ${text}`);
      const { sent = 0, failed = 0 } = flow ?? {};
      ground.count(sent + counted.wakes, failed + counted.failedWakes);
      return { sent, lost: failed, ...counted };
    },
  };
}

async function wakeAgainAndAgain(
  ground: Ground,
  client: Client,
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
    const { ok, text, ms } = await client.ask({ protocol: 'get', url: urlOf(one) });
    counted.wakes += 1;
    if (ok) continue;
    counted.failedWakes += 1;
    ground.log(`${one.name}: after ${ms} ms ${text}`);
  }
}
