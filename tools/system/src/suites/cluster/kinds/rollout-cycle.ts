import { until } from '@scaler/command';
import type { Ground } from '../scenario.ts';
import type { Client } from '../site/client.ts';
import { pauseFlows, type Times, wake } from '../site/flows.ts';
import { diversionOf, phaseOf } from '../site/seen.ts';
import type { Described } from '../site/workloads.ts';
import { readRollout, revise, selectorProblems, untilHealthy } from './rollout-objects.ts';

const phaseLimitMs = 90_000;

/** When a new revision comes in a cycle. */
const moments = ['never', 'asleep', 'just before', 'awake'] as const;
type Moment = (typeof moments)[number];

/** The times of one cycle, and its problems. */
export interface RolloutCycle extends Times {
  readonly problems: readonly string[];
}

/**
 * Parks a Rollout, wakes it by a request, and waits for the hand-back; a new revision comes in three cycles of four. Resolves
 * with the reports.
 */
export async function rolloutCycles(
  ground: Ground,
  client: Client,
  one: Described,
  cycles: number,
): Promise<RolloutCycle[]> {
  const reports: RolloutCycle[] = [];
  let revision = 1;
  for (let i = 0; i < cycles; i++) {
    ground.signal.throwIfAborted();
    const moment = moments[i % moments.length] ?? 'never';
    if (moment !== 'never') revision += 1;
    if (moment === 'awake') {
      await revise(ground, one, revision);
      await untilHealthy(ground, one);
    }
    const report = await rolloutCycle(ground, client, one, moment, revision);
    for (const problem of report.problems) ground.log(`${one.name}, cycle ${i + 1}: ${problem}`);
    reports.push(report);
  }
  return reports;
}

async function rolloutCycle(
  ground: Ground,
  client: Client,
  one: Described,
  moment: Moment,
  revision: number,
): Promise<RolloutCycle> {
  const { namespace, name } = one;
  const problems: string[] = [];
  await pauseFlows(client, one);
  if (moment === 'just before') await revise(ground, one, revision);
  const idleAt = performance.now();
  await client.setMetric(namespace, name, '0');
  // The replicas follow the phase in a write of their own.
  await until(`${name} to be asleep without replicas`, phaseLimitMs, async () => {
    const { metadata, spec } = await readRollout(ground, one);
    return (phaseOf({ metadata }) === 'asleep' && spec?.replicas === 0) || undefined;
  });
  const parkMs = performance.now() - idleAt;
  if ((await diversionOf(ground, one)).length === 0) problems.push('asleep, and its Service is not diverted');
  if (moment === 'asleep') {
    await revise(ground, one, revision);
    // Woken before its controller has seen the revision, it would begin with the one before.
    await untilHealthy(ground, one);
  }
  const { answer, restoreMs, problems: wakeProblems } = await wake(ground, client, one, phaseLimitMs);
  const { ok, text, ms } = answer;
  ground.count(1, ok ? 0 : 1);
  problems.push(...wakeProblems);
  if (ok && !text.includes(`"revision":"${revision}"`)) problems.push(`not by revision ${revision}: ${text}`);
  await untilHealthy(ground, one);
  problems.push(...(await diversionOf(ground, one)).map((what) => `awake, and its Service has ${what}`));
  await until('its Services to select the revision', 10_000, async () => {
    const wrong = await selectorProblems(ground, one);
    if (wrong.length > 0) throw new Error(wrong.join(', '));
    return true;
  }).catch((error: Error) => problems.push(error.message));
  return { parkMs, wakeMs: ms, restoreMs, problems };
}
