import { unlessAborted } from '@scaler/async';
import type { CallOptions } from '../client/caller.ts';
import type { KubeClient } from '../client/client.ts';
import { isKubeError, KubeError } from '../errors.ts';
import type { RawMetricValue, UnknownMetric } from './metric-answer.ts';

/** One metrics API of a cluster, in the version that the cluster serves. */
export class MetricsApi {
  readonly #client: KubeClient;
  readonly #group: string;
  readonly #known: readonly string[];
  #served: Promise<string> | undefined;

  /** @param known its versions that can be read, the best one first. */
  constructor(client: KubeClient, group: string, known: readonly string[]) {
    this.#client = client;
    this.#group = group;
    this.#known = known;
  }

  /**
   * Asks for a list of values at a path below the API's version. Every failure is an unknown with its reason.
   *
   * @throws KubeError `aborted` only.
   */
  async values(path: string, call: CallOptions): Promise<readonly RawMetricValue[] | UnknownMetric> {
    const group = this.#group;
    for (let attempt = 1; ; attempt++) {
      let served: string | undefined;
      try {
        served = await this.#version(call.signal);
        return readItems(await this.#client.request('GET', `/apis/${group}/${served}/${path}`, call), group);
      } catch (error) {
        if (call.signal?.aborted)
          throw new KubeError('aborted', `${group} was asked, and the caller gave up`, { cause: error });
        if (!isKubeError(error)) throw error;
        if (served === undefined && error.code === 'not-found') return { unknown: 'no-api', reason: error.message };
        if (error.code === 'invalid') return { unknown: 'refused', reason: error.message };
        if (error.code !== 'not-found') return { unknown: 'api-error', reason: error.message };
        // Either the metric is missing, or the adapter was replaced by one that serves another version.
        this.#served = undefined;
        if (attempt > 1 || (await this.#version(call.signal).catch(() => undefined)) === served)
          return { unknown: 'no-metric', reason: error.message };
      }
    }
  }

  /** Asked once, then remembered. @throws KubeError `not-found` when there is no such API, or none in a version we know. */
  #version(signal: AbortSignal | undefined): Promise<string> {
    // All callers meanwhile share the request, so no caller's signal may end it.
    this.#served ??= this.#discover().catch((error: unknown) => {
      this.#served = undefined;
      throw error;
    });
    return signal === undefined ? this.#served : unlessAborted(this.#served, signal);
  }

  async #discover(): Promise<string> {
    const group = this.#group;
    const answer = (await this.#client.request('GET', `/apis/${group}`).catch((error: unknown) => {
      if (!isKubeError(error, 'not-found')) throw error;
      throw new KubeError('not-found', `The cluster has no API ${group}`, { cause: error });
    })) as { versions?: { version?: string }[] } | undefined;
    const served = (answer?.versions ?? []).map(({ version }) => version);
    const best = this.#known.find((version) => served.includes(version));
    if (best !== undefined) return best;
    const list = served.slice(0, 10).join(', ').slice(0, 200) || 'none';
    const known = this.#known.join(', ');
    throw new KubeError('not-found', `The cluster serves ${group} in the versions ${list}; known are ${known}`);
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

/**
 * Names come from annotations and end in a path: one with a slash, even an encoded one, would be read as several segments,
 * and `*` as every object.
 */
export function pathProblem(...names: readonly string[]): UnknownMetric | undefined {
  const wrong = names.find((name) => name === '' || /^\.{1,2}$|[/*]/.test(name));
  if (wrong === undefined) return undefined;
  return { unknown: 'bad-name', reason: `"${wrong}" cannot be a part of a metrics API's path` };
}
