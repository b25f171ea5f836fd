import { type FieldError, forbiddenValue, invalidValue, requiredValue } from '../errors.ts';
import { gvrOf, type Kind } from '../kinds.ts';
import { type KubeObject, type OwnerReference } from '../object.ts';
import { checkLabelName, checkLabels, checkQualifiedName, checkServiceName, checkSubdomain } from './names.ts';

const maxAnnotationBytes = 256 * 1024;
const standardFinalizers = new Set(['foregroundDeletion', 'orphan', 'kubernetes']);

function checkName(kind: Kind, name: string): FieldError[] {
  const gvr = gvrOf(kind);
  if (gvr === 'v1/services') return checkServiceName('metadata.name', name);
  if (gvr === 'v1/namespaces') return checkLabelName('metadata.name', name);
  return checkSubdomain('metadata.name', name);
}

function checkOwners(owners: readonly OwnerReference[]): FieldError[] {
  const field = 'metadata.ownerReferences';
  const errors = owners.flatMap(({ apiVersion, kind, name, uid }) => [
    ...((apiVersion ?? '') === '' ? [invalidValue(`${field}.apiVersion`, '', 'version must not be empty')] : []),
    ...((kind ?? '') === '' ? [invalidValue(`${field}.kind`, '', 'must not be empty')] : []),
    ...((name ?? '') === '' ? [invalidValue(`${field}.name`, '', 'must not be empty')] : []),
    ...((uid ?? '') === '' ? [invalidValue(`${field}.uid`, '', 'must not be empty')] : []),
  ]);
  const controllers = owners.filter(({ controller }) => controller === true).map(({ kind }) => kind);
  if (controllers.length < 2) return errors;
  return [
    ...errors,
    invalidValue(
      field,
      owners,
      `Only one reference can have Controller set to true. Found "true" in references for ${controllers.join(' and ')}`,
    ),
  ];
}

function checkAnnotations(annotations: Record<string, string> | undefined): FieldError[] {
  const entries = Object.entries(annotations ?? {});
  const bytes = entries.reduce((sum, [key, value]) => sum + key.length + Buffer.byteLength(String(value)), 0);
  const large =
    bytes > maxAnnotationBytes
      ? [
          {
            reason: 'FieldValueTooLong',
            field: 'metadata.annotations',
            text: `Too long: may not be more than ${maxAnnotationBytes} bytes`,
          },
        ]
      : [];
  return [
    ...entries.flatMap(([key, value]) => {
      const wrong = checkQualifiedName('metadata.annotations', key.toLowerCase());
      if (typeof value === 'string') return wrong;
      return [...wrong, invalidValue('metadata.annotations', value, 'must be a string')];
    }),
    ...large,
  ];
}

function checkFinalizers(finalizers: readonly string[]): FieldError[] {
  return finalizers.flatMap((name, i) => [
    ...checkQualifiedName(`metadata.finalizers[${i}]`, name),
    ...(name.includes('/') || standardFinalizers.has(name)
      ? []
      : [
          invalidValue(
            `metadata.finalizers[${i}]`,
            name,
            'name is neither a standard finalizer name nor is it fully qualified',
          ),
        ]),
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
  const errors: FieldError[] = [];
  const { uid, deletionTimestamp, finalizers } = given.metadata;
  if (uid !== undefined && uid !== old.metadata.uid)
    errors.push(invalidValue('metadata.uid', uid, 'field is immutable'));
  if (
    deletionTimestamp !== undefined &&
    deletionTimestamp !== null &&
    deletionTimestamp !== old.metadata.deletionTimestamp
  ) {
    errors.push(invalidValue('metadata.deletionTimestamp', deletionTimestamp, 'field is immutable'));
  }
  const added = (finalizers ?? []).filter((name) => !(old.metadata.finalizers ?? []).includes(name));
  if (old.metadata.deletionTimestamp !== undefined && added.length > 0) {
    const list = added.map((name) => JSON.stringify(name)).join(', ');
    errors.push(
      forbiddenValue(
        'metadata.finalizers',
        `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`,
      ),
    );
  }
  return errors;
}
