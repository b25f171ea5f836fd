import { kubernetesApiPromises } from '@scaler/testing-kit/kubernetes';
import { until } from '@scaler/command';
import { none } from '../../../harness/report.ts';
import type { Ground, Scenario } from '../scenario.ts';
import { namespaceObject } from '../site/manifests.ts';
import { type Described, modes } from '../site/workloads.ts';
import { brokenPromises } from './promises.ts';
import { pauseFlows, totalsOf } from '../site/flows.ts';
import { appNamespace, findingsOf, runCycle, runCycles, startUnderLoad } from './under-load.ts';
import type { Client } from '../site/client.ts';
import { readWorkload, seenIn } from '../site/seen.ts';

const number = (name: string, fallback: number): number => Number(process.env[name] ?? fallback);
const cycles = number('CYCLES', 10);
const perMode = number('WORKLOADS', 2);
const totalRps = 50;

/** The run of `npm run e2e` without arguments. */
export const mainJob: Scenario = {
  name: 'main-job',
  doc: 'parks and wakes in all three routing modes under load, and what the fake API promises of a real one',
  limitMs: 1_800_000,
  async run(ground) {
    const broken = await brokenPromises(ground.kube);
    const client = await ground.client();
    await ground.product();
    await ground.apply([namespaceObject(appNamespace)]);
    const remove = ['delete', 'namespace', appNamespace, '--ignore-not-found'];
    if (!process.env['KEEP']) ground.later(() => ground.kubectl(remove));
    const described = (name: string, mode: Described['mode']): Described => {
      return { namespace: appNamespace, name, mode, annotations: { 'scaler/cooldown': '1ms' } };
    };
    const busy = described('busy', 'selector');
    const workloads = modes.flatMap((mode) =>
      Array.from({ length: perMode }, (_, i) => described(`${mode}-${i + 1}`, mode)),
    );
    await startUnderLoad(ground, [busy], { fresh: totalRps, kept: 0 });
    await client.setMetric(busy.namespace, busy.name, '50');
    await startUnderLoad(ground, workloads, { fresh: totalRps / workloads.length, kept: 5 });
    const each = Math.ceil(cycles / perMode);
    const reports = await runCycles(ground, workloads, each);
    const undone = await rolloutUndo(ground, client, workloads.find(({ mode }) => mode === 'selector') ?? busy);
    const beside = await totalsOf(ground, [busy], 20);
    const findings = await Promise.all(modes.map((mode) => findingsOf(ground, mode, reports, each * perMode)));
    return [
      none(`promises of the fake API, ${kubernetesApiPromises.length}, that this one does not keep`, broken.length),
      ...findings.flat(),
      none('problems after a rollout was undone', undone.length),
      none(`lost of ${beside.sent} of one that is never idle`, beside.sent === 0 ? 1 : beside.lost),
    ];
  },
};

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
