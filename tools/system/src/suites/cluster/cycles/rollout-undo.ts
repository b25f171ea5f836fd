import type { Ground } from '../scenario.ts';
import { until } from '@scaler/command';
import type { Client } from '../site/client.ts';
import { readWorkload, seenIn } from '../site/seen.ts';
import type { Described } from '../site/workloads.ts';
import { runCycle } from './under-load.ts';
import { pauseFlows } from '../site/flows.ts';

async function rolledOut(ground: Ground, one: Described): Promise<void> {
  await until(`${one.name} to be rolled out`, 60_000, async () => {
    const { metadata, spec, status } = await readWorkload(ground, one);
    const done =
      status?.observedGeneration === metadata?.generation &&
      status?.updatedReplicas === spec?.replicas &&
      status?.replicas === spec?.replicas &&
      status?.readyReplicas === spec?.replicas;
    return done ? true : undefined;
  });
}

/**
 * A workload that slept under its first revision gets a second one, sleeps again, and is rolled back: `kubectl rollout
 * undo` brings the annotations of that time back. It must stay awake, and sleep and wake as before. Resolves with the problems.
 */
export async function rolloutUndo(ground: Ground, client: Client, one: Described): Promise<readonly string[]> {
  const { namespace, name } = one;
  // A rollout of an app without a preStop delay loses connections by itself; that is not what is tried here.
  await pauseFlows(client, one);
  await ground.kubectl(['-n', namespace, 'set', 'env', `deployment/${name}`, 'REVISION=2']);
  await rolledOut(ground, one);
  const second = await runCycle(ground, client, one);
  await pauseFlows(client, one);
  await ground.kubectl(['rollout', 'undo', `deployment/${name}`, '--namespace', namespace]);
  await rolledOut(ground, one);
  await seenIn(ground, one, 'awake', 20_000);
  const third = await runCycle(ground, client, one);
  const problems = [...second.problems, ...third.problems];
  for (const problem of problems) ground.log(`${name} after rollout undo: ${problem}`);
  return problems;
}
