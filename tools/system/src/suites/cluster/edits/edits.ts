import type { KubeObject } from '@scaler/kube';
import type { Finding } from '../../../harness/report.ts';
import type { Scenario } from '../scenario.ts';
import { createAsleep, modes, workloadObject } from '../site/workloads.ts';
import { type Case, findingOf, type Scene } from './case.ts';
import {
  deleted,
  edited,
  hopeless,
  otherPort,
  renamed,
  scaledByHpa,
  slow,
  statefulSet,
  turned,
  twoServices,
} from './cases.ts';

export const edits: Scenario = {
  name: 'edits',
  doc: 'workloads and Services that are edited, deleted and renamed while asleep; HPA, StatefulSet, slow and hopeless pods',
  async run(ground) {
    // The hopeless are answered with their cause.
    await ground.product({ dlx: { settings: { problemDetails: 'full' } } });
    const scene: Scene = { ground, client: await ground.client() };
    const namespace = await ground.namespace();
    const long: Case[] = [
      slow(namespace, 'selector'),
      slow(namespace, 'always'),
      scaledByHpa(namespace),
      hopeless(namespace, 'no-image', { image: 'localhost/none:1' }, /wake-failed.*Image/s),
      hopeless(namespace, 'crashes', { command: ['node', '-e', 'process.exit(3)'] }, /wake-failed.*CrashLoopBackOff/s),
    ];
    const short = [edited, deleted, renamed, turned, otherPort, twoServices].flatMap((of) =>
      modes.map((mode) => of(namespace, mode)),
    );
    const cases = [...long, ...short, statefulSet(namespace)];
    await ground.apply(cases.flatMap(({ more = [] }) => more));
    const green = workloadObject({ namespace, name: 'green', mode: 'selector' }, ground.images.app) as KubeObject;
    await ground.apply([{ ...green, metadata: { ...green.metadata, labels: {} } }]);
    const sleepers = cases.map(({ described }) => described);
    await createAsleep(ground, sleepers, 150_000);
    ground.log(`${sleepers.length} sleep`);
    const waiting = Promise.all(long.map((one) => findingOf(one, scene)));
    const findings: Finding[] = [];
    // A few at a time: all at once would show how slow this machine is.
    for (let i = 0; i < cases.length - long.length; i += 3) {
      const few = cases.slice(long.length + i, long.length + i + 3);
      findings.push(...(await Promise.all(few.map((one) => findingOf(one, scene)))));
    }
    return [...(await waiting), ...findings];
  },
};
