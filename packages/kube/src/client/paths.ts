import { KubeError } from '../errors.ts';
import type { Kind, ObjectRef } from '../objects/kinds.ts';

/** Values of a query string; undefined ones are left out. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** `/apis/apps/v1/namespaces/shop/deployments`; without a namespace, those of all namespaces. */
export function collectionPath(kind: Kind, namespace?: string): string {
  const root = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
  if (!kind.namespaced || namespace === undefined) return `${root}/${kind.plural}`;
  return `${root}/namespaces/${segment(namespace, 'namespace')}/${kind.plural}`;
}

/** The path of one object, or of a subresource of it. */
export function objectPath(kind: Kind, ref: ObjectRef, subresource?: string): string {
  if (kind.namespaced && ref.namespace === undefined) {
    throw new KubeError('bad-config', `${kind.kind} "${ref.name}" needs a namespace`);
  }
  const path = `${collectionPath(kind, ref.namespace)}/${segment(ref.name, 'name')}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

/** A path with its query. */
export function withQuery(path: string, query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) parameters.set(name, String(value));
  }
  const text = parameters.toString();
  return text === '' ? path : `${path}?${text}`;
}

// An empty segment would turn "this object" into "the whole collection", for a delete too.
function segment(value: string, what: string): string {
  if (value === '' || value === '.' || value === '..') {
    throw new KubeError('bad-config', `"${value}" is not a ${what} of an object`);
  }
  return encodeURIComponent(value);
}
