import type { EmbeddedCluster, Kind, KubeObject } from '@scaler/testing-kit/kubernetes';

/** A custom resource with `/scale`, as a CustomResourceDefinition declares one. */
export const widgetKind: Kind = {
  ...{ group: 'example.com', version: 'v1', resource: 'widgets', kind: 'Widget', namespaced: true },
  ...{ hasStatus: true, custom: true, needsVersion: true, generation: 'spec' },
  scale: { specReplicasPath: 'spec/replicas', statusReplicasPath: 'status/replicas', selectorPath: 'status/selector' },
};
export const widgets = 'example.com/v1/widgets';

/** Of a Widget, as far as it matters. */
export type Widget = KubeObject & { spec: { replicas: number }; status?: { selector?: string; replicas?: number } };

/** Its operator: each Widget has a Deployment of its own, which the scaler knows nothing of. Returns the end. */
export function startWidgetOperator({ api: { store }, deployment }: EmbeddedCluster): () => void {
  const sync = async (namespace: string, name: string): Promise<void> => {
    const widget = store.find<Widget>(widgets, namespace, name);
    if (widget === undefined) return;
    const { replicas } = widget.spec;
    await deployment(namespace, name, { image: 'echo', port: 8080, replicas });
    const { generation } = widget.metadata;
    const status = { selector: `app=${name}`, replicas, observedGeneration: generation };
    if (JSON.stringify(widget.status) === JSON.stringify(status)) return;
    store.patch(widgets, namespace, name, { type: 'merge', body: { status } }, { subresource: 'status' });
  };
  return store.watch(widgets, ({ type, object }) => {
    const { namespace = '', name } = object.metadata;
    if (type !== 'DELETED') queueMicrotask(() => void sync(namespace, name));
  });
}
