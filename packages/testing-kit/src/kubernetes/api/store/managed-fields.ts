import { isDeepStrictEqual } from 'node:util';
import { gvrOf, groupVersionOf, type Kind } from '../kinds.ts';
import { isObject, type JsonObject, type KubeObject, type ManagedFields, toTimestamp } from '../object.ts';

/** The writer, as in `metadata.managedFields`. */
export type FieldWriter = { readonly manager: string | undefined; readonly subresource: string | undefined };

/**
 * `metadata.managedFields` after a write, as a real server keeps them, for a part of the fields: labels, annotations,
 * `spec.replicas` and `spec.selector` of Services and of workloads. A writer owns the fields that it changes or adds, from
 * that time on; a field that it removes has no owner, and the removal leaves no trace. A writer within this process that
 * names no manager takes fields from others and owns none.
 */
export function managedFieldsAfter(
  kind: Kind,
  object: KubeObject,
  old: KubeObject | undefined,
  writer: FieldWriter,
  nowMs: number,
): readonly ManagedFields[] {
  if (kind.scale === undefined && gvrOf(kind) !== 'v1/services') return [];
  // Of these fields a status write changes the annotations alone.
  if (writer.subresource === 'status' && isDeepStrictEqual(object.metadata.annotations, old?.metadata.annotations))
    return old?.metadata.managedFields ?? [];
  const before = fieldsOf(old);
  const after = fieldsOf(object);
  const taken = [...after]
    .filter(([path, value]) => before.get(path) !== value && !isHidden(path, value, writer))
    .map(([path]) => path);
  const gone = [...before.keys()].filter((path) => isHidden(path, after.get(path), writer) || !after.has(path));
  const lost = new Set([...taken, ...gone]);
  const kept = (old?.metadata.managedFields ?? []).map((entry) => ({
    entry,
    paths: pathsIn(entry.fieldsV1).filter((path) => !lost.has(path)),
  }));
  const isOwn = ({ manager, subresource }: ManagedFields): boolean =>
    manager === writer.manager && subresource === writer.subresource;
  const others = kept
    .filter(({ entry, paths }) => paths.length > 0 && !(taken.length > 0 && isOwn(entry)))
    .map(({ entry, paths }) => ({ ...entry, fieldsV1: treeOf(paths) }));
  const { manager, subresource } = writer;
  if (taken.length === 0 || manager === undefined) return others;
  const own = kept.filter(({ entry }) => isOwn(entry)).flatMap(({ paths }) => paths);
  const entry: ManagedFields = {
    manager,
    operation: 'Update',
    apiVersion: groupVersionOf(kind),
    time: toTimestamp(nowMs),
    fieldsType: 'FieldsV1',
    fieldsV1: treeOf([...own, ...taken]),
    ...(subresource === undefined ? {} : { subresource }),
  };
  return [...others, entry];
}

// A Scale leaves 0 out, so to its writer the field is gone.
function isHidden(path: string, value: string | undefined, { subresource }: FieldWriter): boolean {
  return subresource === 'scale' && value === '0' && path === replicasPath;
}

// A label's key may have dots and slashes, but no space.
const between = ' ';
const replicasPath = ['f:spec', 'f:replicas'].join(between);

/** Path of `f:` names → the value as text. */
function fieldsOf(object: KubeObject | undefined): Map<string, string> {
  const fields = new Map<string, string>();
  for (const map of ['labels', 'annotations'] as const) {
    for (const [key, value] of Object.entries(object?.metadata[map] ?? {}))
      fields.set(['f:metadata', `f:${map}`, `f:${key}`].join(between), value);
  }
  for (const field of ['replicas', 'selector']) {
    const value = object?.spec?.[field];
    if (value !== undefined) fields.set(['f:spec', `f:${field}`].join(between), JSON.stringify(value));
  }
  return fields;
}

function treeOf(paths: readonly string[]): JsonObject {
  const tree: JsonObject = {};
  for (const path of paths) {
    let at = tree;
    for (const name of path.split(between)) at = (at[name] ??= {}) as JsonObject;
  }
  return tree;
}

function pathsIn(tree: JsonObject): string[] {
  return Object.entries(tree).flatMap(([name, below]) => {
    const deeper = isObject(below) ? pathsIn(below) : [];
    return deeper.length === 0 ? [name] : deeper.map((path) => name + between + path);
  });
}
