import { until } from '@scaler/command';
import { all, atMost, type Finding } from '../../../harness/report.ts';
import type { Ground, Scenario } from '../scenario.ts';
import type { Client } from '../site/client.ts';
import { inProduct } from '../site/apps.ts';
import { productNamespace } from '../site/install.ts';
import { diversionOf, phaseOf, readWorkload } from '../site/seen.ts';
import { askOnce, type Described, serviceObject, urlOf } from '../site/workloads.ts';
import {
  bothNamed,
  customObject,
  definitionOf,
  gadgetKind,
  replicasField,
  startOperator,
  widgetKind,
} from './custom-objects.ts';
import { dryRun, hasEvents, keptBusy } from './own-deeds.ts';

const cycles = 3;
/** A kind that is not installed at the start is looked for so often. */
const lookMs = 120_000;

export const customKind: Scenario = {
  name: 'custom-kind',
  doc: 'kinds that the scenario defines, after the start of the apps, once with /scale and once with replicas in place',
  limitMs: 480_000,
  async run(ground) {
    const options = { kinds: bothNamed };
    await ground.product({ scaler: { options } });
    const client = await ground.client();
    const findings = [
      await stopped(ground, 'apps/v1/gizmos', /names apps\/v1\/gizmos: apps\/v1 has no gizmos; it has /),
      await stopped(ground, 'batch/v1/jobs=/spec/parallelism', /names batch\/v1\/jobs: it must not be listed; its Clu/),
    ];
    const both = [widgetKind, gadgetKind];
    ground.later(() =>
      ground.kubectl(['delete', 'crd', '--ignore-not-found', ...both.map(({ plural }) => `${plural}.e2e.scaler`)]),
    );
    const namespace = await ground.namespace();
    await ground.apply(both.map(definitionOf));
    await ground.kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s']);
    startOperator(ground, namespace, both);
    const made = [
      ...both.map((kind): Described => ({ namespace, name: kind.plural, mode: 'selector', kind })),
      { ...{ namespace, name: 'dry', mode: 'selector' }, kind: widgetKind, annotations: { 'scaler/dry-run': 'true' } },
    ] satisfies Described[];
    for (const { name } of made) await client.setMetric(namespace, name, '5');
    await ground.apply(made.flatMap((one) => [customObject(one), serviceObject(namespace, one.name)]));
    const [widget, gadget, dry] = made as [Described, Described, Described];
    const beginMs = performance.now();
    for (const one of [widget, gadget]) await untilIn(ground, one, 'awake', lookMs + 20_000);
    findings.push(atMost('picked up once their CRDs came', performance.now() - beginMs, lookMs + 10_000));
    for (const one of [widget, gadget]) findings.push(await cyclesOf(ground, client, one, cycles));
    findings.push(await hasEvents(ground, gadget, 'Gadget'));
    findings.push(await dryRun(ground, dry), await keptBusy(ground, widget));
    await ground.product({ scaler: { options }, scope: { type: 'namespaces', namespaces: [namespace] } });
    await client.ask({ protocol: 'get', url: urlOf(widget) });
    findings.push({ ...(await cyclesOf(ground, client, widget, 1)), what: 'in the scope of one namespace' });
    return findings;
  },
};

/** Parks and wakes it so often. */
async function cyclesOf(ground: Ground, client: Client, one: Described, times: number): Promise<Finding> {
  let right = 0;
  for (let i = 0; i < times; i++) {
    ground.signal.throwIfAborted();
    await untilIn(ground, one, 'awake', 60_000);
    await client.setMetric(one.namespace, one.name, '0');
    await untilIn(ground, one, 'asleep', 60_000);
    await client.setMetric(one.namespace, one.name, '5');
    const { ok } = await askOnce(ground, one, { protocol: 'post' });
    await untilIn(ground, one, 'awake', 60_000);
    const left = await diversionOf(ground, one);
    if (left.length > 0) ground.log(`${one.name}: awake, and its Service has ${left.join(', ')}`);
    if (ok && left.length === 0) right += 1;
  }
  return all(`parked, woken and answered: ${one.name}`, right, times);
}

/** `asleep` without replicas, `awake` with one. */
async function untilIn(ground: Ground, one: Described, phase: 'awake' | 'asleep', limitMs: number): Promise<void> {
  await until(`${one.name} to be ${phase}`, limitMs, async () => {
    ground.signal.throwIfAborted();
    const workload = await readWorkload(ground, one);
    const field = typeof one.kind === 'object' ? replicasField(one.kind) : 'replicas';
    const replicas = (workload.spec as Readonly<Record<string, unknown>> | undefined)?.[field];
    if (phaseOf(workload) === phase && replicas === (phase === 'awake' ? 1 : 0)) return true;
    throw new Error(`it is ${phaseOf(workload)} with ${String(replicas)} replicas`);
  });
}

interface PodTemplate {
  readonly spec: { readonly containers: readonly { readonly env?: readonly { readonly name: string }[] }[] };
}

/** An autoscaler like the others, but for the option `kinds`: it ends at its start, and says why in one sentence. */
async function stopped(ground: Ground, named: string, why: RegExp): Promise<Finding> {
  const text = await inProduct('get', 'deployment', 'scaler-autoscaler', '-o', 'jsonpath={.spec.template}');
  const { spec } = JSON.parse(text) as PodTemplate;
  const option = { name: 'SCALER_OPTION_KINDS', value: named };
  const containers = spec.containers.map(({ env = [], ...container }) => ({
    ...container,
    env: [...env.filter(({ name }) => name !== option.name), option],
  }));
  const name = 'wrong-kind';
  const metadata = { name, namespace: productNamespace };
  const remove = (): Promise<string> => inProduct('delete', 'pod', name, '--ignore-not-found');
  ground.later(remove);
  await ground.apply([
    { apiVersion: 'v1', kind: 'Pod', metadata, spec: { ...spec, containers, restartPolicy: 'Never' } },
  ]);
  await inProduct('wait', `pod/${name}`, '--for=jsonpath={.status.phase}=Failed', '--timeout=60s');
  const log = (await inProduct('logs', name)).split('\n');
  await remove();
  const said = log.filter((line) => why.test(line));
  const got = said.length === 1 ? (said[0] ?? '') : log.join(' | ');
  const wanted = 'ends with one sentence';
  return { what: `a start with ${named}`, wanted, got: got.slice(0, 240), good: said.length === 1 };
}
