import { invalid, unsupportedValue } from '../errors.ts';
import { isObject } from '../object.ts';
import { type DeleteOptions, type ListOptions, type UpdateOptions, type WriteOptions } from '../store/types.ts';
import { type ApiRequest, parseBody } from './request.ts';

const policies = ['Foreground', 'Background', 'Orphan'] as const;

/** The options of a list, and the selection of a watch or a deletion. What is empty counts as left out. */
export function listOptionsOf({ query, namespace }: ApiRequest): ListOptions {
  const given = (name: string): string | undefined => query.get(name) || undefined;
  return {
    namespace,
    labelSelector: given('labelSelector'),
    fieldSelector: given('fieldSelector'),
    limit: Number(given('limit') ?? 0),
    continue: given('continue'),
    resourceVersion: given('resourceVersion'),
    resourceVersionMatch: given('resourceVersionMatch'),
  };
}

/** The options of a write; the manager is `fieldManager`, else the program's name in the User-Agent. */
export function writeOptionsOf({ query, userAgent }: ApiRequest): WriteOptions {
  const manager = query.get('fieldManager') ?? userAgent.split('/')[0];
  return { dryRun: isDryRun(query.getAll('dryRun')), manager: manager || 'unknown' };
}

export function updateOptionsOf(request: ApiRequest): UpdateOptions {
  return { ...writeOptionsOf(request), subresource: request.subresource === 'status' ? 'status' : undefined };
}

/** The options of a DELETE: from its body, else from its query. Throws Invalid for a policy that does not exist. */
export function deleteOptionsOf(request: ApiRequest): DeleteOptions {
  const { query, body: text } = request;
  const parsed = text === '' ? {} : parseBody(request);
  const body = isObject(parsed) ? parsed : {};
  const given = (name: string): unknown => body[name] ?? query.get(name) ?? undefined;
  const grace = given('gracePeriodSeconds');
  const policy = given('propagationPolicy') as DeleteOptions['propagationPolicy'];
  if (policy !== undefined && !policies.includes(policy)) {
    throw invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', [
      unsupportedValue('propagationPolicy', policy, [...policies, 'nil']),
    ]);
  }
  return {
    dryRun: isDryRun([...query.getAll('dryRun'), ...(Array.isArray(body.dryRun) ? body.dryRun : [])]),
    gracePeriodSeconds: grace === undefined ? undefined : Number(grace),
    propagationPolicy: policy,
    preconditions: isObject(body.preconditions) ? body.preconditions : undefined,
  };
}

/** `dryRun=All`, and nothing else. */
function isDryRun(asked: readonly unknown[]): boolean {
  if (asked.every((value) => value === 'All')) return asked.length > 0;
  throw invalid({ group: 'meta.k8s.io', kind: 'CreateOptions' }, '', [unsupportedValue('dryRun', asked, ['All'])]);
}
