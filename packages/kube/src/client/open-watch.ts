import type { IncomingMessage } from 'node:http';
import { startDeadline } from '@scaler/async';
import type { Clock } from '@scaler/scaler-types';
import { deadlineError, KubeError } from '../errors.ts';
import { refusalError } from './api-error.ts';
import { longestRefusalBytes } from './caller.ts';
import type { WatchOptions } from './client.ts';
import { readBody } from './exchange.ts';
import type { Kind } from '../objects/kinds.ts';
import { collectionPath, withQuery } from './paths.ts';
import type { Transport } from './transport.ts';

// The API sends the head at once; the watch's own limit is for the body.
const headTimeoutMs = 10_000;

/** Opens the stream of a watch, with bookmarks. */
export async function openWatch(
  transport: Transport,
  clock: Clock,
  kind: Kind,
  options: WatchOptions,
): Promise<IncomingMessage> {
  const { namespace, labelSelector, resourceVersion, timeoutSeconds, signal } = options;
  const query = { watch: 1, allowWatchBookmarks: true, resourceVersion, labelSelector, timeoutSeconds };
  const path = withQuery(collectionPath(kind, namespace), query);
  const what = `GET ${path}`;
  const head = startDeadline(clock, headTimeoutMs, signal);
  try {
    const result = await transport.open({
      method: 'GET',
      path,
      pool: 'watch',
      signal: AbortSignal.any([head.signal, signal]),
    });
    if (!('answer' in result)) throw head.signal.aborted ? deadlineError(head, what) : result.error;
    const status = result.answer.statusCode ?? 0;
    if (status !== 200) {
      const read = await readBody(result.answer, longestRefusalBytes);
      const body = typeof read === 'object' ? read.toString('utf8') : '';
      throw refusalError({ what, status, headers: result.answer.headers, body, write: false, tests: false });
    }
    return result.answer;
  } catch (error) {
    if (head.signal.aborted && !(error instanceof KubeError)) throw deadlineError(head, what);
    throw error;
  } finally {
    head.dispose();
  }
}
