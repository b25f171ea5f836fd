import { customKind, type Deployment, type Kind } from '@scaler/kube';
import type { Described } from '../site/workloads.ts';

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
