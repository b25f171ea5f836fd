import { type FieldError, forbiddenValue, invalidValue, requiredValue } from '../errors.ts';
import { gvrOf, type Kind } from '../kinds.ts';
import { type KubeObject, type OwnerReference } from '../object.ts';
import { check, checkLabels, checkQualifiedName, label, serviceName, subdomain } from './names.ts';

const maxAnnotationBytes = 256 * 1024;
const standardFinalizers = new Set(['foregroundDeletion', 'orphan', 'kubernetes']);

function checkName(kind: Kind, name: string): FieldError[] {
  const gvr = gvrOf(kind);
  if (gvr === 'v1/services') return check('metadata.name', name, serviceName);
  if (gvr === 'v1/namespaces') return check('metadata.name', name, label);
  return check('metadata.name', name, subdomain);
}

function checkOwners(owners: readonly OwnerReference[]): FieldError[] {
  const at = 'metadata.ownerReferences';
  const errors = owners.flatMap((owner) =>
    (['apiVersion', 'kind', 'name', 'uid'] as const)
      .filter((field) => (owner[field] ?? '') === '')
      .map((field) =>
        invalidValue(`${at}.${field}`, '', `${field === 'apiVersion' ? 'version ' : ''}must not be empty`),
      ),
  );
  const controllers = owners.filter(({ controller }) => controller === true).map(({ kind }) => kind);
  if (controllers.length < 2) return errors;
  const found = `Found "true" in references for ${controllers.join(' and ')}`;
  return [...errors, invalidValue(at, owners, `Only one reference can have Controller set to true. ${found}`)];
}

function checkAnnotations(annotations: Record<string, string> | undefined): FieldError[] {
  const entries = Object.entries(annotations ?? {});
  const bytes = entries.reduce((sum, [key, value]) => sum + key.length + Buffer.byteLength(String(value)), 0);
  const errors = entries.flatMap(([key, value]) => [
    ...checkQualifiedName('metadata.annotations', key.toLowerCase()),
    ...(typeof value === 'string' ? [] : [invalidValue('metadata.annotations', value, 'must be a string')]),
  ]);
  if (bytes <= maxAnnotationBytes) return errors;
  const text = `Too long: may not be more than ${maxAnnotationBytes} bytes`;
  return [...errors, { reason: 'FieldValueTooLong', field: 'metadata.annotations', text }];
}

function checkFinalizers(finalizers: readonly string[]): FieldError[] {
  const why = 'name is neither a standard finalizer name nor is it fully qualified';
  return finalizers.flatMap((name, i) => [
    ...checkQualifiedName(`metadata.finalizers[${i}]`, name),
    ...(name.includes('/') || standardFinalizers.has(name)
      ? []
      : [invalidValue(`metadata.finalizers[${i}]`, name, why)]),
  ]);
}

/** The problems of an object's metadata. */
export function checkMetadata(kind: Kind, { metadata }: KubeObject): FieldError[] {
  if (metadata.name === undefined || metadata.name === '')
    return [requiredValue('metadata.name', 'name or generateName is required')];
  return [
    ...checkName(kind, metadata.name),
    ...checkLabels('metadata.labels', metadata.labels),
    ...checkAnnotations(metadata.annotations),
    ...checkFinalizers(metadata.finalizers ?? []),
    ...checkOwners(metadata.ownerReferences ?? []),
  ];
}

/** Immutable fields of an object's metadata that changed. Only a changed `uid` differs from a value that was left out. */
export function checkMetadataChange(given: KubeObject, old: KubeObject): FieldError[] {
  const { finalizers } = given.metadata;
  const errors = (['uid', 'deletionTimestamp'] as const)
    .filter((field) => (given.metadata[field] ?? old.metadata[field]) !== old.metadata[field])
    .map((field) => invalidValue(`metadata.${field}`, given.metadata[field], 'field is immutable'));
  const added = (finalizers ?? []).filter((name) => !(old.metadata.finalizers ?? []).includes(name));
  if (old.metadata.deletionTimestamp !== undefined && added.length > 0) {
    const found = `found new finalizers []string{${added.map((name) => JSON.stringify(name)).join(', ')}}`;
    const why = `no new finalizers can be added if the object is being deleted, ${found}`;
    errors.push(forbiddenValue('metadata.finalizers', why));
  }
  return errors;
}
