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

function mergeList(existing: readonly Json[], patch: Json[], key: string, path: string[]): Json[] {
  if (patch.some((item) => isObject(item) && item.$patch === 'replace')) {
    return patch.filter((item) => !(isObject(item) && item.$patch === 'replace'));
  }
  const result: (Json | undefined)[] = [...existing];
  const byKey = new Map<Json | undefined, number>();
  // The first of its key is the one that is merged into.
  for (const [i, item] of existing.entries()) if (isObject(item) && !byKey.has(item[key])) byKey.set(item[key], i);
  for (const item of patch) {
    if (!isObject(item)) throw badRequest(`a strategic merge patch of ${path.join('.')} needs objects`);
    const at = byKey.get(item[key]);
    if (item.$patch === 'delete') {
      if (at !== undefined) result[at] = undefined;
      byKey.delete(item[key]);
    } else if (at !== undefined) result[at] = merged(result[at] as JsonObject, item, path);
    else byKey.set(item[key], result.push(item) - 1);
  }
  return result.filter((item) => item !== undefined);
}

function deleteFromPrimitives(target: JsonObject, patch: JsonObject): void {
  for (const [name, gone] of Object.entries(patch)) {
    if (!name.startsWith('$deleteFromPrimitiveList/') || !Array.isArray(gone)) continue;
    const list = name.slice(name.indexOf('/') + 1);
    const existing = target[list];
    if (Array.isArray(existing)) target[list] = existing.filter((item) => !gone.includes(item));
  }
}

function mergeField(target: JsonObject, name: string, value: Json, above: string[]): void {
  const existing = target[name];
  if (value === null) delete target[name];
  // A map of labels or annotations may have thousands.
  else if (typeof value !== 'object') target[name] = value;
  else if (Array.isArray(value)) target[name] = mergedList(existing, value, [...above, name]);
  else target[name] = merged(isObject(existing) ? existing : {}, value, [...above, name]);
}

function mergedList(existing: Json | undefined, patch: Json[], path: string[]): Json[] {
  const key = byPath(path, (p) => mergeKeys[p]);
  if (key !== undefined) return mergeList(Array.isArray(existing) ? existing : [], patch, key, path);
  const isMerged = byPath(path, (p) => mergedPrimitives.has(p) || undefined) === true;
  return isMerged && Array.isArray(existing) ? [...new Set([...existing, ...patch])] : patch;
}

/** A copy as deep as the patch. */
function merged(target: JsonObject, patch: JsonObject, path: string[]): JsonObject {
  const result = patch.$patch === 'replace' ? {} : { ...target };
  deleteFromPrimitives(result, patch);
  for (const [name, value] of Object.entries(patch)) {
    if (!name.startsWith('$')) mergeField(result, name, value, path);
  }
  return result;
}

/**
 * Applies a strategic merge patch to a copy, which shares with the document what the patch leaves as it is: maps are
 * merged, and of the lists those of {@link mergeKeys}.
 * `$setElementOrder` and `$retainKeys` are ignored.
 *
 * @throws FakeApiError BadRequest when the patch is not an object.
 */
export function applyStrategicPatch<T>(document: T, patch: unknown): T {
  if (!isObject(patch))
    throw badRequest('error decoding patch: json: cannot unmarshal into Go value of type map[string]interface {}');
  return merged(document as JsonObject, jsonCopy(patch), []) as T;
}
