import { badRequest } from '../errors.ts';
import { isObject, type Json, type JsonObject, jsonCopy } from '../object.ts';

/** The lists that are merged by a key, by the path to them without indices. All others are replaced as a whole. */
const mergeKeys: Record<string, string> = {
  'metadata.ownerReferences': 'uid',
  'status.conditions': 'type',
  'status.addresses': 'type',
  containers: 'name',
  initContainers: 'name',
  env: 'name',
  volumes: 'name',
  volumeMounts: 'mountPath',
  imagePullSecrets: 'name',
  'containers.ports': 'containerPort',
  'initContainers.ports': 'containerPort',
  'spec.ports': 'port',
  'spec.taints': 'key',
};
const mergedPrimitives = new Set(['metadata.finalizers']);

function byPath<T>(path: string[], table: (key: string) => T | undefined): T | undefined {
  return table(path.slice(-2).join('.')) ?? table(path.at(-1) ?? '');
}

function mergeList(existing: Json[], patch: Json[], key: string, path: string[]): Json[] {
  const result = [...existing];
  if (patch.some((item) => isObject(item) && item.$patch === 'replace')) {
    return patch.filter((item) => !(isObject(item) && item.$patch === 'replace'));
  }
  const byKey = new Map<Json | undefined, JsonObject>();
  // The first of its key is the one that is merged into.
  for (const item of result.toReversed()) if (isObject(item)) byKey.set(item[key], item);
  const gone = new Set<Json>();
  for (const item of patch) {
    if (!isObject(item)) throw badRequest(`a strategic merge patch of ${path.join('.')} needs objects`);
    const known = byKey.get(item[key]);
    if (item.$patch === 'delete') {
      if (known !== undefined) gone.add(known);
      byKey.delete(item[key]);
    } else if (known !== undefined) merge(known, item, path);
    else {
      result.push(item);
      byKey.set(item[key], item);
    }
  }
  return gone.size === 0 ? result : result.filter((item) => !gone.has(item));
}

function deleteFromPrimitives(target: JsonObject, patch: JsonObject): void {
  for (const [name, gone] of Object.entries(patch)) {
    if (!name.startsWith('$deleteFromPrimitiveList/') || !Array.isArray(gone)) continue;
    const list = name.slice(name.indexOf('/') + 1);
    const existing = target[list];
    if (Array.isArray(existing)) target[list] = existing.filter((item) => !gone.includes(item));
  }
}

function mergeField(target: JsonObject, name: string, value: Json, path: string[]): void {
  const existing = target[name];
  const key = byPath(path, (p) => mergeKeys[p]);
  if (value === null) delete target[name];
  else if (isObject(value)) {
    const inner = isObject(existing) ? existing : {};
    merge(inner, value, path);
    target[name] = inner;
  } else if (Array.isArray(value) && key !== undefined) {
    target[name] = mergeList(Array.isArray(existing) ? existing : [], value, key, path);
  } else if (
    Array.isArray(value) &&
    Array.isArray(existing) &&
    byPath(path, (p) => mergedPrimitives.has(p) || undefined)
  ) {
    target[name] = [...new Set([...existing, ...value])];
  } else target[name] = value;
}

function merge(target: JsonObject, patch: JsonObject, path: string[]): void {
  if (patch.$patch === 'replace') for (const name of Object.keys(target)) delete target[name];
  deleteFromPrimitives(target, patch);
  for (const [name, value] of Object.entries(patch)) {
    if (!name.startsWith('$')) mergeField(target, name, value, [...path, name]);
  }
}

/**
 * Applies a strategic merge patch to a copy: maps are merged, and of the lists those of {@link mergeKeys}.
 * `$setElementOrder` and `$retainKeys` are ignored.
 *
 * @throws FakeApiError BadRequest when the patch is not an object.
 */
export function applyStrategicPatch<T>(document: T, patch: unknown): T {
  if (!isObject(patch))
    throw badRequest('error decoding patch: json: cannot unmarshal into Go value of type map[string]interface {}');
  const result = jsonCopy(document);
  merge(result as JsonObject, jsonCopy(patch), []);
  return result;
}
