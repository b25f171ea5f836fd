import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { conflict, invalid, invalidValue, staleMessage } from '../errors.ts';
import { groupVersionOf, gvrOf, type Kind, qualifiedResource } from '../kinds.ts';
import { isObject, jsonCopy, type KubeObject, type NewObject, type ObjectMeta, toTimestamp } from '../object.ts';
import { validate } from '../validate/validate.ts';
import { checkMetadataChange } from '../validate/metadata.ts';
import { type AllocateClusterIp, applyDefaults, initialStatus } from './defaults.ts';
import { type FieldWriter, managedFieldsAfter } from './managed-fields.ts';

/** The parts of the server that make an object of a client's body. */
export type Means = { now(): number; random(): number; allocateClusterIp: AllocateClusterIp };

const suffixLetters = 'bcdfghjklmnpqrstvwxz2456789';
const longestBase = 58;

function generatedName(base: string, random: () => number): string {
  const letters = Array.from({ length: 5 }, () => suffixLetters[Math.floor(random() * suffixLetters.length)]);
  return base.slice(0, longestBase) + letters.join('');
}

/** `kind` and `apiVersion` come first: the cached text of an object is cut there for lists. */
function assemble(kind: Kind, metadata: ObjectMeta, content: NewObject): KubeObject {
  const { kind: _kind, apiVersion: _apiVersion, metadata: _metadata, ...rest } = content;
  return { kind: kind.kind, apiVersion: groupVersionOf(kind), metadata, ...rest } as KubeObject;
}

/** The object that a POST creates, checked. */
export function prepareCreate(kind: Kind, given: NewObject, means: Means, manager: string | undefined): KubeObject {
  const sent = jsonCopy(given);
  const wanted = pick(sent.metadata, ['name', 'namespace', 'generateName', ...writableFields]);
  const base = wanted.generateName ?? '';
  const name = wanted.name ?? (base === '' ? '' : generatedName(base, means.random));
  const metadata = {
    ...wanted,
    name,
    uid: randomUUID(),
    resourceVersion: '',
    ...((kind.generation ?? 'none') === 'none' ? {} : { generation: 1 }),
    creationTimestamp: toTimestamp(means.now()),
  };
  const object = assemble(kind, metadata, sent);
  initialStatus(kind, object);
  applyDefaults(kind, object, means.allocateClusterIp);
  validate(kind, object);
  noteWriter(kind, object, undefined, { manager, subresource: undefined }, means);
  return object;
}

function noteWriter(
  kind: Kind,
  object: KubeObject,
  old: KubeObject | undefined,
  writer: FieldWriter,
  means: Means,
): void {
  const fields = managedFieldsAfter(kind, object, old, writer, means.now());
  if (fields.length > 0) object.metadata.managedFields = fields;
  else delete object.metadata.managedFields;
}

/** The kind of an update: a PUT has the whole object, a patch was computed from the stored one. */
export type UpdateWay = {
  by: 'put' | 'patch' | 'scale';
  subresource?: 'status' | undefined;
  manager?: string | undefined;
};

function checkVersion(kind: Kind, { metadata }: NewObject, old: KubeObject, { by }: UpdateWay): void {
  const { resourceVersion = '', uid } = metadata;
  const { name } = old.metadata;
  if (resourceVersion === '' && kind.needsVersion === true && by === 'put') {
    throw invalid({ group: '', kind: qualifiedResource(kind) }, name, [
      invalidValue('metadata.resourceVersion', 0, 'must be specified for an update'),
    ]);
  }
  if (uid !== undefined && uid !== '' && uid !== old.metadata.uid && by === 'put') {
    throw conflict(
      kind,
      name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid}`,
    );
  }
  if (resourceVersion !== '' && resourceVersion !== old.metadata.resourceVersion)
    throw conflict(kind, name, staleMessage);
}

/** The parts of `metadata` that no client may write. */
const fixedFields = [
  'name',
  'namespace',
  'generateName',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'managedFields',
] as const;
const writableFields = ['labels', 'annotations', 'finalizers', 'ownerReferences'] as const;

/** The given fields that the object has. */
function pick<K extends keyof ObjectMeta>(metadata: Partial<ObjectMeta>, fields: readonly K[]): Pick<ObjectMeta, K> {
  const there = fields.filter((field) => metadata[field] !== undefined);
  return Object.fromEntries(there.map((field) => [field, metadata[field]])) as Pick<ObjectMeta, K>;
}

function keepAddress(kind: Kind, object: KubeObject, old: KubeObject): void {
  if (
    gvrOf(kind) !== 'v1/services' ||
    !isObject(object.spec) ||
    !isObject(old.spec) ||
    (object.spec.clusterIP ?? '') !== ''
  )
    return;
  if (object.spec.type === 'ExternalName') return;
  for (const field of ['clusterIP', 'clusterIPs'])
    if (old.spec[field] !== undefined) object.spec[field] = jsonCopy(old.spec[field]);
}

function merged(kind: Kind, given: NewObject, old: KubeObject, { subresource }: UpdateWay): KubeObject {
  const writable = pick(given.metadata, writableFields);
  if (subresource === 'status') {
    const { annotations: _old, ...kept } = old.metadata;
    const annotations = writable.annotations === undefined ? {} : { annotations: writable.annotations };
    // Shared with the old one, and frozen: its defaults are there already.
    const { status: _status, ...rest } = old;
    return assemble(
      kind,
      { ...kept, ...annotations },
      given.status === undefined ? rest : { ...rest, status: given.status },
    );
  }
  const object = assemble(kind, { ...pick(old.metadata, fixedFields), ...writable }, given);
  if (kind.hasStatus === true) {
    if (old.status === undefined) delete object.status;
    else object.status = old.status;
  }
  keepAddress(kind, object, old);
  return object;
}

/** The fields beside `kind`, `apiVersion`, `metadata` and `status`. */
function content({
  kind: _kind,
  apiVersion: _apiVersion,
  metadata: _metadata,
  status: _status,
  ...rest
}: KubeObject): unknown {
  return rest;
}

function bumpGeneration(kind: Kind, object: KubeObject, old: KubeObject): void {
  const rule = kind.generation ?? 'none';
  const { annotations, labels } = object.metadata;
  const bumps =
    (rule !== 'none' && !isDeepStrictEqual(content(object), content(old))) ||
    (rule === 'spec-and-annotations' && !isDeepStrictEqual(annotations, old.metadata.annotations)) ||
    (rule === 'labels-and-content' && !isDeepStrictEqual(labels, old.metadata.labels));
  if (bumps) object.metadata.generation = (old.metadata.generation ?? 0) + 1;
}

/** The object that an update leads to, checked; `old` itself when nothing changes. */
export function prepareUpdate(kind: Kind, given: NewObject, old: KubeObject, way: UpdateWay, means: Means): KubeObject {
  // A patch was applied to a copy; what of the old one is in it is frozen, and has its defaults.
  const sent = way.by === 'patch' ? given : jsonCopy(given);
  checkVersion(kind, sent, old, way);
  const wrong = checkMetadataChange(sent as KubeObject, old);
  if (wrong.length > 0) throw invalid(kind, old.metadata.name, wrong);
  const object = merged(kind, sent, old, way);
  applyDefaults(kind, object, means.allocateClusterIp);
  if (way.subresource === undefined) {
    validate(kind, object, old);
    bumpGeneration(kind, object, old);
  }
  if (isDeepStrictEqual(object, old)) return old;
  const subresource = way.by === 'scale' ? 'scale' : way.subresource;
  noteWriter(kind, object, old, { manager: way.manager, subresource }, means);
  return object;
}
