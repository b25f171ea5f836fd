import { setTimeout as sleep } from 'node:timers/promises';
import { customKind, type Deployment, isKubeError, type Kind, kinds } from '@scaler/kube';
import { type Described, workloadObject } from '../site/workloads.ts';
import type { Ground } from '../scenario.ts';

const group = 'e2e.scaler';
const kindOf = (kind: string, plural: string): Kind<Deployment> =>
  customKind<Deployment>({ group, version: 'v1', plural, kind, namespaced: true });

/** One with `/scale`, and one whose replicas are a field that only the option names. */
export const widgetKind = kindOf('Widget', 'widgets');
export const gadgetKind = kindOf('Gadget', 'gadgets');
/** The option `kinds` that names both. */
export const bothNamed = `${group}/v1/widgets, ${group}/v1/gadgets=/spec/size`;

/** Where a kind has its replicas. */
export const replicasField = ({ plural }: Kind): 'replicas' | 'size' => (plural === 'gadgets' ? 'size' : 'replicas');

/** The CustomResourceDefinition of one of them. */
export function definitionOf(kind: Kind): object {
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
export function customObject({ namespace, name, kind, annotations }: Described): object {
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
export function startOperator(ground: Ground, namespace: string, custom: readonly Kind[]): void {
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
