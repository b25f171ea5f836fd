import { badRequest, type FieldError, invalid, invalidValue } from '../errors.ts';
import { gvrOf, type Kind } from '../kinds.ts';
import { isObject, type KubeObject } from '../object.ts';
import { checkEndpointSlice, checkEndpointSliceChange } from './endpointslice.ts';
import { checkMetadata, checkMetadataChange } from './metadata.ts';
import { checkService, checkServiceChange } from './service.ts';
import { checkPod, checkReplicas, checkStatefulSetChange, checkWorkload, checkWorkloadChange } from './workload.ts';

type Checks = { object?(object: KubeObject): FieldError[]; change?(object: KubeObject, old: KubeObject): FieldError[] };

function checkCoreEvent({ metadata, involvedObject }: KubeObject): FieldError[] {
  const namespace = isObject(involvedObject) ? (involvedObject.namespace ?? '') : '';
  // An event about something that has no namespace lives in `default`.
  if (namespace === metadata.namespace || (namespace === '' && metadata.namespace === 'default')) return [];
  return [invalidValue('involvedObject.namespace', namespace, 'does not match event.namespace')];
}

const microTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)$/;

function checkLease({ spec = {} }: KubeObject): FieldError[] {
  for (const field of ['acquireTime', 'renewTime']) {
    const time = spec[field];
    if (time === undefined || time === null) continue;
    // The real server cannot even decode it, hence 400 and not 422.
    if (typeof time !== 'string' || !microTime.test(time)) {
      const said = `parsing time ${JSON.stringify(time)} as "2006-01-02T15:04:05.000000Z07:00"`;
      throw badRequest(`Lease in version "v1" cannot be handled as a Lease: ${said}: cannot parse`);
    }
  }
  const { leaseDurationSeconds } = spec;
  if (leaseDurationSeconds === undefined || (leaseDurationSeconds as number) > 0) return [];
  return [invalidValue('spec.leaseDurationSeconds', leaseDurationSeconds, 'must be greater than 0')];
}

const byKind: Record<string, Checks> = {
  'v1/services': { object: checkService, change: checkServiceChange },
  'v1/pods': { object: checkPod },
  'v1/events': { object: checkCoreEvent },
  'apps/v1/deployments': { object: checkWorkload, change: checkWorkloadChange },
  'apps/v1/replicasets': { object: checkWorkload, change: checkWorkloadChange },
  'apps/v1/statefulsets': { object: checkWorkload, change: checkStatefulSetChange },
  'discovery.k8s.io/v1/endpointslices': { object: checkEndpointSlice, change: checkEndpointSliceChange },
  'coordination.k8s.io/v1/leases': { object: checkLease },
};

/**
 * Refuses an object that the real server would refuse, as far as that matters to scaling and routing.
 *
 * @throws FakeApiError Invalid, with a cause per field.
 */
export function validate(kind: Kind, object: KubeObject, old?: KubeObject): void {
  const checks = byKind[gvrOf(kind)] ?? {};
  const errors = [...checkMetadata(kind, object), ...(checks.object?.(object) ?? [])];
  if (old !== undefined) errors.push(...checkMetadataChange(object, old), ...(checks.change?.(object, old) ?? []));
  if (errors.length > 0) throw invalid(kind, object.metadata.name ?? '', errors);
}

/** Refuses a Scale with a replica count that is none. */
export function validateScale(name: string, replicas: number): void {
  const errors = checkReplicas('spec.replicas', replicas);
  if (errors.length > 0) throw invalid({ group: 'autoscaling', kind: 'Scale' }, name, errors);
}
