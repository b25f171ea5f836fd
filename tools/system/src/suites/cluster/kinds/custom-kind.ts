import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '@scaler/command';
import { customKind as kindOfCluster, type Deployment, isKubeError, type Kind, kinds } from '@scaler/kube';
import { all, atMost, type Finding } from '../../../harness/report.ts';
import type { Ground, Scenario } from '../scenario.ts';
import type { Client } from '../site/client.ts';
import { inProduct } from '../site/apps.ts';
import { productNamespace } from '../site/install.ts';
import { diversionOf, phaseOf, readWorkload } from '../site/seen.ts';
import { askOnce, type Described, serviceObject, urlOf, workloadObject } from '../site/workloads.ts';
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

const group = 'e2e.scaler';
const kindOf = (kind: string, plural: string): Kind<Deployment> =>
  kindOfCluster<Deployment>({ group, version: 'v1', plural, kind, namespaced: true });

/** One with `/scale`, and one whose replicas are a field that only the option names. */
const widgetKind = kindOf('Widget', 'widgets');
const gadgetKind = kindOf('Gadget', 'gadgets');
/** The option `kinds` that names both. */
const bothNamed = `${group}/v1/widgets, ${group}/v1/gadgets=/spec/size`;

/** Where a kind has its replicas. */
const replicasField = ({ plural }: Kind): 'replicas' | 'size' => (plural === 'gadgets' ? 'size' : 'replicas');

/** The CustomResourceDefinition of one of them. */
function definitionOf(kind: Kind): object {
  const field = replicasField(kind);
  const scale = {
    specReplicasPath: '.spec.replicas',
    statusReplicasPath: '.status.replicas',
    labelSelectorPath: '.status.selector',
  };
  const anything = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const spec = { type: 'object', properties: { [field]: { type: 'integer' } } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${kind.plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind: kind.kind, plural: kind.plural, singular: kind.kind.toLowerCase() },
      versions: [
        {
          ...{ name: 'v1', served: true, storage: true },
          schema: { openAPIV3Schema: { type: 'object', properties: { spec, status: anything } } },
          subresources: { status: {}, ...(field === 'replicas' && { scale }) },
        },
      ],
    },
  };
}

/** One object of such a kind. */
function customObject({ namespace, name, kind, annotations }: Described): object {
  const of = kind as Kind;
  const idle = { 'scaler/routing': 'selector', 'scaler/cooldown': '1s', 'scaler/metrics': 'requests_per_4s<=0' };
  return {
    apiVersion: `${group}/v1`,
    kind: of.kind,
    metadata: { namespace, name, labels: { 'scaler/enabled': 'true' }, annotations: { ...idle, ...annotations } },
    spec: { [replicasField(of)]: 1 },
  };
}

interface Custom extends Omit<Deployment, 'spec'> {
  readonly spec?: Readonly<Record<string, number>>;
}

const everyMs = 250;

/**
 * The controller of these kinds in one namespace: each object has a Deployment of its name, which the product knows nothing of,
 * and says in its status what that has. Ends with the scenario.
 */
function startOperator(ground: Ground, namespace: string, custom: readonly Kind[]): void {
  const stop = new AbortController();
  const sync = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      for (const kind of custom) await syncKind(ground, kind, namespace).catch(() => undefined);
      await sleep(everyMs);
    }
  };
  void sync();
  ground.later(async () => stop.abort());
}

async function syncKind({ kube, images }: Ground, kind: Kind, namespace: string): Promise<void> {
  const path = `/apis/${kind.group}/v1/namespaces/${namespace}/${kind.plural}`;
  const { items } = (await kube.request('GET', path)) as { items: readonly Custom[] };
  for (const { metadata, spec, status } of items) {
    const where = { namespace, name: metadata?.name ?? '' };
    const replicas = spec?.[replicasField(kind)] ?? 1;
    const object = workloadObject({ ...where, mode: 'selector', replicas }, images.app) as Deployment;
    const own = await kube.get(kinds.deployment, where).catch((error: unknown) => {
      if (!isKubeError(error, 'not-found')) throw error;
      return kube.create(kinds.deployment, { ...object, metadata: where });
    });
    if (own.spec?.replicas !== replicas) await kube.patch(kinds.deployment, where, { spec: { replicas } });
    const { replicas: now = 0, readyReplicas = 0 } = own.status ?? {};
    const selector = `app=${where.name}`;
    const said = { replicas: now, readyReplicas, selector, observedGeneration: metadata?.generation };
    if (JSON.stringify(status) === JSON.stringify(said)) continue;
    const contentType = 'application/merge-patch+json';
    await kube.request('PATCH', `${path}/${where.name}/status`, { body: { status: said }, contentType });
  }
}
