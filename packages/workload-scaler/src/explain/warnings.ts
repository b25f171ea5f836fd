import { isKubeError, kinds } from '@scaler/kube';
import type { PodTrouble } from '../endpoints/pod-trouble.ts';
import type { Dependencies } from '../dependencies.ts';

/** Warnings of the platform that no status repeats: failed checks, volumes that cannot be mounted, refused pods. */
export interface Warnings {
  /** The last one about an object; undefined where there is none, or none may be read. */
  last(namespace: string, uid: string, signal: AbortSignal): Promise<PodTrouble | undefined>;
}

/** A held request is shown something new no later; nothing else asks. */
const everyMs = 2_000;
const forbiddenMs = 300_000;
/** Events are kept for an hour; one that goes on is written again. */
const currentMs = 300_000;
// The status tells these, as they are now and not as they were.
const told: readonly string[] = ['BackOff', 'Failed', 'FailedScheduling'];

type Asked = { readonly atMs: number; readonly answer: Promise<PodTrouble | undefined> };

export function createWarnings({ client, clock, logger }: Pick<Dependencies, 'client' | 'clock' | 'logger'>): Warnings {
  const asked = new Map<string, Asked>();
  let forbiddenUntilMs = 0;

  const read = async (namespace: string, uid: string, signal: AbortSignal): Promise<PodTrouble | undefined> => {
    try {
      const { items } = await client.list(kinds.event, {
        namespace,
        fieldSelector: `involvedObject.uid=${uid},type=Warning`,
        trim: ({ reason = '', message = '', series, lastTimestamp, eventTime, metadata }) => ({
          reason,
          message,
          at: String(series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? metadata?.creationTimestamp ?? ''),
        }),
        lane: 'bulk',
        signal,
      });
      const current = items.filter(({ at }) => !(clock.now() - Date.parse(at) > currentMs));
      const [last] = current.filter(({ reason }) => !told.includes(reason)).sort((a, b) => (a.at < b.at ? 1 : -1));
      return last && { reason: last.reason, message: last.message };
    } catch (error) {
      if (!isKubeError(error)) throw error;
      if (error.code === 'forbidden') {
        forbiddenUntilMs = clock.monotonic() + forbiddenMs;
        logger.warn('Events must not be read, so some reasons why a resource does not start stay unknown', {
          err: error,
        });
      }
      return undefined;
    }
  };

  return {
    last: (namespace, uid, signal) => {
      const nowMs = clock.monotonic();
      if (nowMs < forbiddenUntilMs) return Promise.resolve(undefined);
      for (const [key, { atMs }] of asked) if (nowMs - atMs >= everyMs) asked.delete(key);
      const known = asked.get(uid);
      if (known !== undefined) return known.answer;
      const answer = read(namespace, uid, signal);
      asked.set(uid, { atMs: nowMs, answer });
      return answer;
    },
  };
}
