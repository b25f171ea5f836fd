import { kubernetesApiPromises } from '@scaler/testing-kit/kubernetes';
import { none } from '../../../harness/finding.ts';
import type { Scenario } from '../scenario.ts';
import { type Described, modes } from '../site/workloads.ts';
import { brokenPromises } from './promises.ts';
import { rolloutUndo } from './rollout-undo.ts';
import { appNamespace, findingsOf, runCycles, startUnderLoad } from './under-load.ts';

const number = (name: string, fallback: number): number => Number(process.env[name] ?? fallback);
const cycles = number('CYCLES', 10);
const perMode = number('WORKLOADS', 2);
const totalRps = 50;

/** What `npm run e2e` does when nothing else is asked of it. */
export const mainJob: Scenario = {
  name: 'main-job',
  doc: 'parks and wakes in all three routing modes under load, and what the fake API promises of a real one',
  limitMs: 1_800_000,
  async run(ground) {
    const broken = await brokenPromises(ground.kube);
    const client = await ground.client();
    await ground.product();
    await ground.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: appNamespace } }]);
    const remove = ['delete', 'namespace', appNamespace, '--ignore-not-found'];
    if (!process.env['KEEP']) ground.later(() => ground.kubectl(remove));
    const described = (name: string, mode: Described['mode']): Described => {
      return { namespace: appNamespace, name, mode, annotations: { 'scaler/cooldown': '1ms' } };
    };
    const busy = described('busy', 'selector');
    const workloads = modes.flatMap((mode) =>
      Array.from({ length: perMode }, (_, i) => described(`${mode}-${i + 1}`, mode)),
    );
    await startUnderLoad(ground, client, [busy], { fresh: totalRps, kept: 0 });
    await client.setMetric(busy.namespace, busy.name, '50');
    await startUnderLoad(ground, client, workloads, { fresh: totalRps / workloads.length, kept: 5 });
    const each = Math.ceil(cycles / perMode);
    const reports = await runCycles(ground, client, workloads, each);
    const undone = await rolloutUndo(ground, client, workloads.find(({ mode }) => mode === 'selector') ?? busy);
    const flows = await client.traffic.reports();
    const beside = flows['new busy'];
    for (const { at, text } of beside?.errors ?? []) ground.log(`busy: ${at} ${text}`);
    ground.count(beside?.sent ?? 0, beside?.failed ?? 0);
    return [
      none(`promises of the fake API, ${kubernetesApiPromises.length}, that this one does not keep`, broken.length),
      ...modes.flatMap((mode) => findingsOf(ground, mode, reports, each * perMode, flows)),
      none('problems after a rollout was undone', undone.length),
      none(`lost of ${beside?.sent ?? 0} of one that is never idle`, beside?.failed ?? 1),
    ];
  },
};
