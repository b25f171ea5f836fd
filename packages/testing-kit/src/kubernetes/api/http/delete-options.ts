import { invalid, unsupportedValue } from '../errors.ts';
import { isObject } from '../object.ts';
import { type DeleteOptions } from '../store/types.ts';
import { type ApiRequest, parseBody } from './request.ts';

const policies = ['Foreground', 'Background', 'Orphan'] as const;

/** `dryRun=All`, and nothing else. */
export function dryRunOf(query: URLSearchParams, more: readonly unknown[] = []): { dryRun: boolean } {
  const asked = [...query.getAll('dryRun'), ...more];
  if (asked.some((value) => value !== 'All'))
    throw invalid({ group: 'meta.k8s.io', kind: 'CreateOptions' }, '', [unsupportedValue('dryRun', asked, ['All'])]);
  return { dryRun: asked.length > 0 };
}

/** The options of a DELETE: from its body, else from its query. Throws Invalid for a policy that does not exist. */
export function deleteOptionsOf(request: ApiRequest): DeleteOptions {
  const { query, body: text } = request;
  const parsed = text === '' ? {} : parseBody(request);
  const body = isObject(parsed) ? parsed : {};
  const grace = body.gracePeriodSeconds ?? query.get('gracePeriodSeconds') ?? undefined;
  const policy = (body.propagationPolicy ??
    query.get('propagationPolicy') ??
    undefined) as DeleteOptions['propagationPolicy'];
  if (policy !== undefined && !policies.includes(policy)) {
    throw invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', [
      unsupportedValue('propagationPolicy', policy, [...policies, 'nil']),
    ]);
  }
  return {
    ...dryRunOf(query, Array.isArray(body.dryRun) ? body.dryRun : []),
    ...(grace === undefined ? {} : { gracePeriodSeconds: Number(grace) }),
    ...(policy === undefined ? {} : { propagationPolicy: policy }),
    ...(isObject(body.preconditions)
      ? { preconditions: body.preconditions as { uid?: string; resourceVersion?: string } }
      : {}),
  };
}
