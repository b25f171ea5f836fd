import type { KubeClient } from '../client/client.ts';
import { unlessAborted } from '@scaler/async';
import { isKubeError, KubeError } from '../errors.ts';

/** The version of a metrics API that the cluster serves. */
export interface ServedVersion {
  /**
   * Asked once, then remembered until `forget`.
   *
   * @throws KubeError `not-found` when there is no such API, or none in a version we know.
   */
  get(signal?: AbortSignal): Promise<string>;
  forget(): void;
}

export function createServedVersion(client: KubeClient, group: string, known: readonly string[]): ServedVersion {
  let found: Promise<string> | undefined;
  return {
    get: (signal) => {
      // All callers meanwhile share the request, so no caller's signal may end it.
      found ??= discover(client, group, known).catch((error: unknown) => {
        found = undefined;
        throw error;
      });
      return signal === undefined ? found : unlessAborted(found, signal);
    },
    forget: () => {
      found = undefined;
    },
  };
}

async function discover(client: KubeClient, group: string, known: readonly string[]): Promise<string> {
  const answer = (await client.request('GET', `/apis/${group}`).catch((error: unknown) => {
    if (!isKubeError(error, 'not-found')) throw error;
    throw new KubeError('not-found', `The cluster has no API ${group}`, { cause: error });
  })) as { versions?: { version?: string }[] } | undefined;
  const served = (answer?.versions ?? []).map(({ version }) => version);
  const best = known.find((version) => served.includes(version));
  if (best !== undefined) return best;
  const list = served.slice(0, 10).join(', ').slice(0, 200) || 'none';
  throw new KubeError(
    'not-found',
    `The cluster serves ${group} in the versions ${list}; known are ${known.join(', ')}`,
  );
}
