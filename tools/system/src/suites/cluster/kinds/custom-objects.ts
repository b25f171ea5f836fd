import { customKind, type Deployment, isKubeError, type Kind, kinds, watchStore } from '@scaler/kube';
import { createLogger } from '@scaler/runtime';
import { systemClock } from '@scaler/scaler-types';
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

/**
 * The controller of these kinds in one namespace: each object has a Deployment of its name, which the product knows nothing of,
 * and says in its status what that has. Ends with the scenario.
 */
export function startOperator(ground: Ground, namespace: string, custom: readonly Kind[]): void {
  const stop = new AbortController();
  const logger = createLogger({ name: 'e2e', level: 'warn', format: 'text' });
  const watched = { client: ground.kube, namespaces: [namespace], clock: systemClock, logger, trim: namesOf };
  let last: Promise<unknown> = Promise.resolve();
  const sync = (kind: Kind, name: string): void => {
    last = last
      .then(() => (stop.signal.aborted ? undefined : syncOne(ground, kind, namespace, name)))
      .catch(() => undefined);
  };
  const stores = custom.map((kind) => watchStore({ ...watched, kind }));
  const deployments = watchStore({ ...watched, kind: kinds.deployment });
  custom.forEach((kind, i) => stores[i]?.subscribe(({ object: { name } }) => sync(kind, name)));
  deployments.subscribe(({ object: { name } }) => {
    custom.forEach((kind, i) => stores[i]?.get(namespace, name) && sync(kind, name));
  });
  for (const store of [...stores, deployments]) void store.run(stop.signal).catch(() => undefined);
  ground.later(() => Promise.resolve(stop.abort()));
}

function namesOf({ metadata }: { metadata?: Deployment['metadata'] }) {
  const { namespace = '', name = '', uid = '', resourceVersion = '' } = metadata ?? {};
  return { namespace, name, uid, resourceVersion };
}

async function syncOne({ kube, images }: Ground, kind: Kind, namespace: string, name: string): Promise<void> {
  const { metadata, spec, status } = (await kube.get(kind, { namespace, name })) as Custom;
  const replicas = spec?.[replicasField(kind)] ?? 1;
  const object = workloadObject({ namespace, name, mode: 'selector', replicas }, images.app) as Deployment;
  const own = await kube.get(kinds.deployment, { namespace, name }).catch((error: unknown) => {
    if (!isKubeError(error, 'not-found')) throw error;
    return kube.create(kinds.deployment, { ...object, metadata: { namespace, name } });
  });
  if (own.spec?.replicas !== replicas) await kube.patch(kinds.deployment, { namespace, name }, { spec: { replicas } });
  const { replicas: now = 0, readyReplicas = 0 } = own.status ?? {};
  const said = { replicas: now, readyReplicas, selector: `app=${name}`, observedGeneration: metadata?.generation };
  if (JSON.stringify(status) === JSON.stringify(said)) return;
  await kube.request('PATCH', `/apis/${kind.group}/v1/namespaces/${namespace}/${kind.plural}/${name}/status`, {
    body: { status: said },
    contentType: 'application/merge-patch+json',
  });
}
