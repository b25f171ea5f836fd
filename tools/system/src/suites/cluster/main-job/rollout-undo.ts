import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { kinds } from '@scaler/kube';
import { until } from '../site/api.ts';
import { type CycleContext, type CycleReport, runCycle } from './cycle.ts';
import { appNamespace, phaseOf, readDeployment, type Workload } from './workload.ts';

const run = promisify(execFile);

async function rolledOut({ client }: CycleContext, name: string): Promise<void> {
  await until(`${name} to be rolled out`, 60_000, async () => {
    const { metadata, spec, status } = await readDeployment(client, name);
    const done =
      status?.observedGeneration === metadata?.generation &&
      status?.updatedReplicas === spec?.replicas &&
      status?.replicas === spec?.replicas &&
      status?.readyReplicas === spec?.replicas;
    return done ? true : undefined;
  });
}

// A rollout of an app without a preStop delay loses connections by itself; that is not what is tried here.
async function quiet({ traffic }: CycleContext, name: string): Promise<void> {
  for (const id of [`new ${name}`, `kept ${name}`]) await traffic.pause(id);
}

/**
 * A workload that slept under its first revision gets a second one, sleeps again, and is rolled back: `kubectl rollout
 * undo` brings the annotations of that time back. It must stay awake, and sleep and wake as before.
 */
export async function rolloutUndo(context: CycleContext, workload: Workload): Promise<CycleReport> {
  const { name } = workload;
  await quiet(context, name);
  const env = { name: 'REVISION', value: '2' };
  const template = { spec: { containers: [{ name: 'app', env: [env] }] } };
  await context.client.patch(
    kinds.deployment,
    { namespace: appNamespace, name },
    { spec: { template } },
    { type: 'strategic' },
  );
  await rolledOut(context, name);
  const second = await runCycle(context, workload);
  await quiet(context, name);
  await run('kubectl', ['rollout', 'undo', `deployment/${name}`, '--namespace', appNamespace]);
  await rolledOut(context, name);
  await phaseOf(context.client, name, 'awake', 20_000);
  const third = await runCycle(context, workload);
  return { ...third, problems: [...second.problems, ...third.problems] };
}
