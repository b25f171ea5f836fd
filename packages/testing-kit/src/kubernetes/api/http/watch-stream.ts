import { type ServerResponse } from 'node:http';
import { type CancelTimer, type Clock } from '@scaler/scaler-types';
import { FakeApiError, forbiddenValue, invalid } from '../errors.ts';
import { type FaultBoard, type FaultyWatch } from '../faults.ts';
import { groupVersionOf, gvrOf, type Kind } from '../kinds.ts';
import type { Store } from '../store/store.ts';
import { eventLine } from './object-text.ts';
import { listOptionsOf } from './options.ts';
import { type ApiRequest } from './request.ts';

/** The parts of the server that a watch needs. */
export type WatchContext = {
  store: Store;
  clock: Clock;
  faults: FaultBoard;
  bookmarkIntervalMs: number;
  progressNotify: boolean;
};

type Held = { line: string | undefined; dueMs: number };

/** One open watch: lines in order, held up by faults, ended by its timeout, its client or its server. */
class WatchStream implements FaultyWatch {
  readonly request: ApiRequest;
  readonly #response: ServerResponse;
  readonly #context: WatchContext;
  readonly #cleanups: (() => void)[] = [];
  #held: Held[] = [];
  #cancelPump: CancelTimer | undefined;
  #eventsUntilCut = Infinity;
  #closed = false;

  constructor(request: ApiRequest, response: ServerResponse, context: WatchContext) {
    this.request = request;
    this.#response = response;
    this.#context = context;
    response.on('close', () => this.#close());
  }

  onClose(cleanup: () => void): void {
    if (this.#closed) cleanup();
    else this.#cleanups.push(cleanup);
  }

  /** Ends the answer properly, after what is held. */
  end(): void {
    this.send(undefined);
  }

  cut(afterEvents: number): void {
    this.#eventsUntilCut = afterEvents;
    if (afterEvents === 0) this.#response.destroy();
  }

  /** Sends a line, or ends the answer. */
  send(line: string | undefined): void {
    if (this.#closed) return;
    const { delayMs } = this.#context.faults.holdUp(this.request);
    this.#held.push({ line, dueMs: this.#context.clock.monotonic() + delayMs });
    this.refresh();
  }

  refresh(): void {
    this.#cancelPump?.();
    this.#cancelPump = undefined;
    const { clock, faults } = this.#context;
    while (!this.#closed && this.#held.length > 0 && !faults.holdUp(this.request).frozen) {
      const waitMs = this.#held[0]!.dueMs - clock.monotonic();
      if (waitMs > 0) {
        this.#cancelPump = clock.after(waitMs, () => this.refresh());
        return;
      }
      this.#write(this.#held.shift()!.line);
    }
  }

  #write(line: string | undefined): void {
    if (line === undefined) {
      this.#response.end();
      // Events that were held behind the end are dropped: the client does not read any more.
      this.#close();
      return;
    }
    this.#response.write(line);
    this.#eventsUntilCut -= 1;
    if (this.#eventsUntilCut > 0) return;
    // The line is on its way before the reset.
    this.#response.socket?.end(() => this.#response.destroy());
    this.#close();
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#held = [];
    this.#cancelPump?.();
    for (const cleanup of this.#cleanups) cleanup();
  }
}

function bookmark(kind: Kind, resourceVersion: number, initialEnd: boolean): string {
  const annotations = initialEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {};
  const object = {
    kind: kind.kind,
    apiVersion: groupVersionOf(kind),
    metadata: { resourceVersion: String(resourceVersion), ...annotations },
  };
  return `${JSON.stringify({ type: 'BOOKMARK', object })}\n`;
}

/** A watch from no version, or from `0`, first sends all objects; so does one that asks for it by name. */
function wantsInitialEvents({ query }: ApiRequest): boolean {
  const asked = query.get('sendInitialEvents');
  if (asked !== null && query.get('resourceVersionMatch') !== 'NotOlderThan') {
    const why = 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan';
    throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', [forbiddenValue('resourceVersionMatch', why)]);
  }
  return asked === null ? ['', '0'].includes(query.get('resourceVersion') ?? '') : asked === 'true';
}

/** The version to watch from; `undefined` for one that first sends all objects. */
function startOf(request: ApiRequest, { store }: WatchContext): string | undefined {
  if (wantsInitialEvents(request)) return undefined;
  const { resourceVersion: asked } = listOptionsOf(request);
  // No initial events from `0`: the present is the earliest that is meant.
  return asked === undefined || asked === '0' ? String(store.resourceVersion) : asked;
}

/** Starts it; the refusal that belongs into the stream is returned, others are thrown. */
function startWatching(kind: Kind, stream: WatchStream, context: WatchContext): FakeApiError | undefined {
  const options = { ...listOptionsOf(stream.request), resourceVersion: startOf(stream.request, context) };
  try {
    stream.onClose(context.store.watch(gvrOf(kind), (event) => stream.send(eventLine(event)), options));
    return undefined;
  } catch (error) {
    if (error instanceof FakeApiError && error.code === 'Expired') return error;
    throw error;
  }
}

/** The version of a bookmark; without progress notifications that of the last change of the kind, if there was one. */
function progressOf(kind: Kind, stream: WatchStream, context: WatchContext): () => number | undefined {
  const { store, progressNotify } = context;
  if (progressNotify) return () => store.resourceVersion;
  let heard: number | undefined;
  const listener = ({ resourceVersion }: { resourceVersion: number }): void => void (heard = resourceVersion);
  const resourceVersion = startOf(stream.request, context) ?? String(store.resourceVersion);
  stream.onClose(store.watch(gvrOf(kind), listener, { resourceVersion }));
  return () => heard;
}

const beforeDeadlineMs = 2000;

function scheduleBookmarks(kind: Kind, stream: WatchStream, context: WatchContext, timeoutMs: number): void {
  const { clock, bookmarkIntervalMs } = context;
  const progress = progressOf(kind, stream, context);
  const sendOne = (): void => {
    const version = progress();
    if (version !== undefined) stream.send(bookmark(kind, version, false));
  };
  let cancel: CancelTimer;
  const repeat = (): void => {
    cancel = clock.after(bookmarkIntervalMs, () => {
      sendOne();
      repeat();
    });
  };
  repeat();
  stream.onClose(() => cancel());
  if (timeoutMs > beforeDeadlineMs) stream.onClose(clock.after(timeoutMs - beforeDeadlineMs, sendOne));
}

/**
 * Answers a watch and keeps it open. A start that is compacted is an ERROR event on an otherwise good answer, as the
 * real server gives it. Throws BadRequest for selectors that cannot be parsed, before anything is sent.
 */
export function serveWatch(kind: Kind, request: ApiRequest, response: ServerResponse, context: WatchContext): void {
  const stream = new WatchStream(request, response, context);
  response.setHeader('content-type', 'application/json');
  response.setHeader('cache-control', 'no-cache, private');
  const expired = startWatching(kind, stream, context);
  response.flushHeaders();
  context.faults.open(stream);
  stream.onClose(() => context.faults.closed(stream));
  if (expired !== undefined) {
    stream.send(`${JSON.stringify({ type: 'ERROR', object: expired.status })}\n`);
    stream.end();
    return;
  }
  const { query } = request;
  const timeoutMs = Number(query.get('timeoutSeconds') ?? 0) * 1000;
  if (['1', 'true'].includes(query.get('allowWatchBookmarks') ?? '')) {
    if (wantsInitialEvents(request)) stream.send(bookmark(kind, context.store.resourceVersion, true));
    scheduleBookmarks(kind, stream, context, timeoutMs);
  }
  if (timeoutMs > 0) stream.onClose(context.clock.after(timeoutMs, () => stream.end()));
}
