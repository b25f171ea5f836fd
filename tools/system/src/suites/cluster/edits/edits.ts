import type { KubeObject } from '@scaler/kube';
import type { Finding } from '../../../harness/report.ts';
import type { Scenario } from '../scenario.ts';
import { createAsleep, workloadObject } from '../site/workloads.ts';
import { casesIn, findingOf, type Scene } from './cases.ts';

export const edits: Scenario = {
  name: 'edits',
  doc: 'workloads and Services that are edited, deleted and renamed while asleep; HPA, StatefulSet, slow and hopeless pods',
  async run(ground) {
    // The hopeless are answered with their cause.
    await ground.product({ dlx: { settings: { problemDetails: 'full' } } });
    const scene: Scene = { ground, client: await ground.client() };
    const namespace = await ground.namespace();
    const { long, short } = casesIn(namespace);
    const cases = [...long, ...short];
    await ground.apply(cases.flatMap(({ more = [] }) => more));
    const green = workloadObject({ namespace, name: 'green', mode: 'selector' }, ground.images.app) as KubeObject;
    await ground.apply([{ ...green, metadata: { ...green.metadata, labels: {} } }]);
    const sleepers = cases.map(({ described }) => described);
    await createAsleep(ground, sleepers, 150_000);
    ground.log(`${sleepers.length} sleep`);
    const waiting = Promise.all(long.map((one) => findingOf(one, scene)));
    const findings: Finding[] = [];
    // A few at a time: all at once would show how slow this machine is.
    for (let i = 0; i < short.length; i += 3) {
      const few = short.slice(i, i + 3);
      findings.push(...(await Promise.all(few.map((one) => findingOf(one, scene)))));
    }
    return [...(await waiting), ...findings];
  },
};
