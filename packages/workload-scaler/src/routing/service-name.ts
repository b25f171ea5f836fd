import { resourceKey, type ResourceRef, ScalerError } from '@scaler/scaler-types';
import { targetsOf } from '../observe/observe.ts';
import type { Dependencies } from '../dependencies.ts';

/**
 * `host:port` of the Service that leads to a resource.
 *
 * @throws ScalerError `unknown-resource` when there is no such resource, or no Service with that port.
 */
export function resolveName({ lookup, options }: Dependencies, ref: ResourceRef, port?: number): string {
  const managed = lookup.managed(ref);
  const targets = managed === undefined ? [] : targetsOf(ref, lookup.servicesOf(managed));
  const target = port === undefined ? targets[0] : targets.find((one) => one.port === port);
  if (target === undefined) {
    const what = port === undefined ? 'a Service' : `a Service with port ${port}`;
    throw new ScalerError('unknown-resource', `There is no resource ${resourceKey(ref)} with ${what}`);
  }
  return `${target.service}.${ref.namespace}.svc.${options.clusterDomain}:${target.port}`;
}
