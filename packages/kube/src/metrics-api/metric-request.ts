import type { CallOptions } from '../client/caller.ts';
import type { KubeClient } from '../client/client.ts';
import { isKubeError, KubeError } from '../errors.ts';
import type { RawMetricValue, UnknownMetric } from './metric-answer.ts';
import type { ServedVersion } from './served-version.ts';

export interface MetricRequest {
  readonly client: KubeClient;
  readonly version: ServedVersion;
  /** The API's name in messages: "custom.metrics.k8s.io". */
  readonly group: string;
  /** Path and query, for a version. */
  readonly path: (version: string) => string;
  readonly call: CallOptions;
}

/**
 * Asks for a list of values. Every failure is an unknown with its reason.
 *
 * @throws KubeError `aborted` only.
 */
export async function requestValues(request: MetricRequest): Promise<readonly RawMetricValue[] | UnknownMetric> {
  const { client, version, group, call } = request;
  for (let attempt = 1; ; attempt++) {
    let served: string | undefined;
    try {
      served = await version.get(call.signal);
      return readItems(await client.request('GET', request.path(served), call), group);
    } catch (error) {
      if (call.signal?.aborted)
        throw new KubeError('aborted', `${group} was asked, and the caller gave up`, { cause: error });
      if (!isKubeError(error)) throw error;
      if (served === undefined && error.code === 'not-found') return { unknown: 'no-api', reason: error.message };
      if (error.code === 'invalid') return { unknown: 'refused', reason: error.message };
      if (error.code !== 'not-found') return { unknown: 'api-error', reason: error.message };
      // Either the metric is missing, or the adapter was replaced by one that serves another version.
      version.forget();
      if (attempt > 1 || (await sameVersion(version, served, call)))
        return { unknown: 'no-metric', reason: error.message };
    }
  }
}

/**
 * Names come from annotations and end in a path: one with a slash, even an encoded one, would be read as several segments,
 * and `*` as every object.
 */
export function pathProblem(...names: readonly string[]): UnknownMetric | undefined {
  const wrong = names.find((name) => name === '' || /^\.{1,2}$|[/*]/.test(name));
  if (wrong === undefined) return undefined;
  return { unknown: 'bad-name', reason: `"${wrong}" cannot be a part of a metrics API's path` };
}

async function sameVersion(version: ServedVersion, served: string | undefined, call: CallOptions): Promise<boolean> {
  try {
    return (await version.get(call.signal)) === served;
  } catch {
    return false;
  }
}

function readItems(answer: unknown, group: string): readonly RawMetricValue[] | UnknownMetric {
  const items = (answer as { items?: unknown } | undefined)?.items;
  if (items === null) return [];
  if (Array.isArray(items) && items.every((item) => typeof item === 'object' && item !== null)) {
    return items as readonly RawMetricValue[];
  }
  return {
    unknown: 'bad-answer',
    reason: `${group} answered no list of values: ${JSON.stringify(answer)?.slice(0, 100)}`,
  };
}
