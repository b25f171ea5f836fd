import { isDeepStrictEqual } from 'node:util';
import { type FieldError, forbiddenValue, invalidValue, requiredValue } from '../errors.ts';
import { isObject, type Json, type KubeObject, objectsIn } from '../object.ts';
import { labelSelector, selectorText } from '../selectors.ts';
import { checkLabels } from './names.ts';

/** A replica count: an integer of at least 0. */
export function checkReplicas(field: string, replicas: Json | undefined): FieldError[] {
  if (replicas === undefined || replicas === null) return [];
  if (!Number.isInteger(replicas)) return [invalidValue(field, replicas, 'must be an integer')];
  return (replicas as number) >= 0 ? [] : [invalidValue(field, replicas, 'must be greater than or equal to 0')];
}

function checkContainers(field: string, spec: Json | undefined): FieldError[] {
  const containers = isObject(spec) ? objectsIn(spec.containers) : [];
  if (containers.length === 0) return [requiredValue(`${field}.containers`)];
  return containers.flatMap(({ name, image }, i) => [
    ...(typeof name === 'string' && name !== '' ? [] : [requiredValue(`${field}.containers[${i}].name`)]),
    ...(typeof image === 'string' && image !== '' ? [] : [requiredValue(`${field}.containers[${i}].image`)]),
  ]);
}

/** The problems of a Pod. */
export function checkPod({ spec }: KubeObject): FieldError[] {
  return checkContainers('spec', spec);
}

/** The problems of a Deployment, ReplicaSet or StatefulSet. */
export function checkWorkload({ spec = {} }: KubeObject): FieldError[] {
  const { template } = spec as { template?: { metadata?: { labels?: Record<string, string> }; spec?: Json } };
  const labels = template?.metadata?.labels ?? {};
  const errors = [
    ...checkReplicas('spec.replicas', spec.replicas),
    ...checkLabels('spec.template.metadata.labels', labels),
  ];
  const text = selectorText(spec.selector);
  if (text === '') errors.push(requiredValue('spec.selector'));
  else if (!labelSelector(text)({ metadata: { labels } } as unknown as KubeObject)) {
    errors.push(invalidValue('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'));
  }
  return [...errors, ...checkContainers('spec.template.spec', template?.spec)];
}

/** Immutable fields of a Deployment or ReplicaSet that changed. */
export function checkWorkloadChange({ spec }: KubeObject, old: KubeObject): FieldError[] {
  if (isDeepStrictEqual(spec?.selector, old.spec?.selector)) return [];
  return [invalidValue('spec.selector', spec?.selector, 'field is immutable')];
}

const mutableInStatefulSets = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
];

/** Immutable fields of a StatefulSet that changed. */
export function checkStatefulSetChange({ spec = {} }: KubeObject, { spec: old = {} }: KubeObject): FieldError[] {
  const names = [...Object.keys(spec), ...Object.keys(old)].filter((name) => !mutableInStatefulSets.includes(name));
  if (names.every((name) => isDeepStrictEqual(spec[name], old[name]))) return [];
  const quoted = mutableInStatefulSets.map((name) => `'${name}'`);
  const listed = `${quoted.slice(0, -1).join(', ')} and ${quoted.at(-1)}`;
  return [forbiddenValue('spec', `updates to statefulset spec for fields other than ${listed} are forbidden`)];
}
