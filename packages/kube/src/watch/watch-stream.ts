import type { Clock } from '@scaler/scaler-types';
import { type ApiStatus, watchEventError } from '../client/api-error.ts';
import type { KubeClient, Selection } from '../client/client.ts';
import type { Kind } from '../objects/kinds.ts';
import type { KubeObject } from '../objects/wire.ts';
import { KubeError } from '../errors.ts';
import { createJsonLines } from './json-lines.ts';

/** An event of a watch. A bookmark means only that all events up to its resourceVersion were sent. */
export interface WatchEvent<T extends KubeObject> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly resourceVersion: string;
  readonly object: T;
}

export interface WatchStreamOptions<T extends KubeObject> {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly kind: Kind<T>;
  readonly selection: Selection;
  readonly resourceVersion: string;
  readonly timeoutSeconds: number;
  /** A stream without a byte for so long counts as dead. */
  readonly silenceLimitMs: number;
  readonly signal: AbortSignal;
  readonly onEvent: (event: WatchEvent<T>) => void;
}

/**
 * Follows one watch until the API ends it.
 *
 * @throws KubeError: `gone` (list again), `bad-answer` (list again), `timeout` (silent, go on from the last version), or the error of the API.
 */
export async function followWatch<T extends KubeObject>(options: WatchStreamOptions<T>): Promise<void> {
  const { client, clock, kind, selection, resourceVersion, timeoutSeconds } = options;
  const what = `The watch of ${kind.plural}${selection.namespace === undefined ? '' : ` in ${selection.namespace}`}`;
  const ended = new AbortController();
  const signal = AbortSignal.any([options.signal, ended.signal]);
  const silence = watchSilence(clock, options.silenceLimitMs, () => ended.abort());
  try {
    const stream = await client.openWatch(kind, { ...selection, resourceVersion, timeoutSeconds, signal });
    const lines = createJsonLines(what);
    for await (const chunk of stream) {
      silence.seen();
      for (const value of lines.push(chunk as Buffer)) options.onEvent(toEvent<T>(what, value));
    }
  } catch (error) {
    if (silence.passed)
      throw new KubeError('timeout', `${what} was silent for ${options.silenceLimitMs} ms`, { cause: error });
    if ((error as { name?: unknown }).name === 'KubeError') throw error;
    throw new KubeError(
      options.signal.aborted ? 'aborted' : 'connection',
      `${what} broke: ${(error as Error).message}`,
      { cause: error },
    );
  } finally {
    silence.stop();
    ended.abort();
  }
}

function toEvent<T extends KubeObject>(what: string, value: unknown): WatchEvent<T> {
  const { type, object } = (value ?? {}) as { type?: unknown; object?: T | null };
  if (type === 'ERROR') throw watchEventError(what, (object ?? {}) as ApiStatus);
  const resourceVersion = object?.metadata?.resourceVersion;
  if (!isEventType(type) || object === null || object === undefined || typeof resourceVersion !== 'string') {
    throw new KubeError('bad-answer', `${what} sent no event: ${JSON.stringify(value).slice(0, 100)}`);
  }
  return { type, resourceVersion, object };
}

function isEventType(type: unknown): type is WatchEvent<KubeObject>['type'] {
  return type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED' || type === 'BOOKMARK';
}

interface Silence {
  readonly passed: boolean;
  seen(): void;
  stop(): void;
}

// One timer that looks at the time of the last byte, rather than a new timer for each chunk.
function watchSilence(clock: Clock, limitMs: number, onSilent: () => void): Silence {
  let lastMs = clock.monotonic();
  let passed = false;
  const check = (): void => {
    const restMs = limitMs - (clock.monotonic() - lastMs);
    if (restMs > 0) {
      cancel = clock.after(restMs, check);
      return;
    }
    passed = true;
    onSilent();
  };
  let cancel = clock.after(limitMs, check);
  return {
    get passed() {
      return passed;
    },
    seen: () => {
      lastMs = clock.monotonic();
    },
    stop: () => cancel(),
  };
}
