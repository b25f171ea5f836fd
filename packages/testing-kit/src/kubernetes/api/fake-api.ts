import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type Clock, systemClock } from '@scaler/scaler-types';
import { type Authorize, checkAccess, type ReviewToken, reviewToken } from './access.ts';
import { type Audit, type AuditLog, createAudit } from './audit.ts';
import { apiReasons, type ApiReason, FakeApiError, noSuchResource } from './errors.ts';
import { createFaults, type FaultAction, type Faults } from './faults.ts';
import { discover, nothingHere } from './http/discovery.ts';
import { errorReply, jsonReply, type Reply, sendReply } from './http/reply.ts';
import { type ApiRequest, parseBody, readRequest } from './http/request.ts';
import { serveResource } from './http/resources.ts';
import { serveWatch, type WatchContext } from './http/watch-stream.ts';
import { builtInKinds, type Kind } from './kinds.ts';
import { kubeconfigText } from './kubeconfig.ts';
import { metricGroups, serveMetrics } from './metrics/metrics-api.ts';
import { createMetrics, type Metrics, type MetricsTable } from './metrics/metrics.ts';
import { listen } from '../../listen.ts';
import { seededRandom } from './random.ts';
import { Store } from './store/store.ts';

/** The options of a fake API. */
export type FakeApiOptions = {
  /** Default `127.0.0.1`. */
  host?: string;
  /** Default 0: any free port. */
  port?: number;
  /** For timestamps, bookmarks, timeouts and delays. Default: the machine's time. */
  clock?: Clock;
  /** For generated names and fault probabilities. Default 1. */
  seed?: number;
  /** Kinds beside the built-in ones. */
  kinds?: readonly Kind[];
  /** How often a watch that allows it gets a bookmark. Default 1,000 ms (the real server: about a minute). */
  bookmarkIntervalMs?: number;
  /**
   * Whether bookmarks carry the whole store's version, as where etcd notifies of progress every few seconds. If not, a watch
   * gets none until an object of its kind has changed, however long that takes. Default true.
   */
  progressNotify?: boolean;
  /** How many writes a watch or a page can go back. Default 20,000. */
  historyWindow?: number;
  /** How many requests the audit keeps. Default 20,000. */
  auditSize?: number;
  /** Default: everything is allowed, with or without a token. With a hook a request without a token gets 401. */
  authorize?: Authorize;
  /** Default: each token is good, and its user's name. */
  reviewToken?: ReviewToken;
  /** Default: 10.96.0.1 and onwards. */
  allocateClusterIp?: () => string;
};

/** A running fake API. */
export type FakeApi = {
  readonly url: string;
  /** A kubeconfig for it. `user` is the token that it sends, and the name in the audit. Default `admin`. */
  kubeconfig(user?: string): string;
  readonly store: Store;
  readonly faults: Faults;
  readonly audit: Audit;
  readonly metrics: Metrics;
  /**
   * Drops every connection and watch and is not there for `downMs` (default 0), then again at the same address, with
   * the same objects. Like the real server's, its history starts anew: a watch from before the last write gets 410.
   * Closed meanwhile, it stays down.
   */
  restart(options?: { downMs?: number; signal?: AbortSignal }): Promise<void>;
  close(): Promise<void>;
};

type Parts = WatchContext & {
  authorize: Authorize | undefined;
  reviewToken: ReviewToken;
  audit: AuditLog;
  metrics: MetricsTable;
  host(): string;
  /** Aborted when it is closed, so that no delay outlives it. */
  closing: AbortSignal;
};

type Outcome = Reply | { watch: Kind };

function countingClusterIps(): () => string {
  let count = 0;
  return () => {
    count += 1;
    return `10.96.${Math.floor(count / 250)}.${(count % 250) + 1}`;
  };
}

function route(request: ApiRequest, { store, metrics, authorize, host, ...parts }: Parts): Outcome {
  checkAccess(authorize, request);
  const found = serveMetrics(request, metrics, store) ?? discover(request, store.kinds, metricGroups(metrics), host());
  if (found !== undefined) return found;
  const { group, version, resource } = request;
  if (group === 'authentication.k8s.io' && resource === 'tokenreviews' && request.verb === 'create') {
    const { spec } = parseBody(request) as { spec?: { token?: string } };
    return reviewToken(parts.reviewToken, spec?.token ?? '');
  }
  const kind = store.kinds.find((k) => k.group === group && k.version === version && k.resource === resource);
  if (kind === undefined) {
    if (!store.kinds.some((k) => k.group === group && k.version === version)) return nothingHere;
    throw noSuchResource();
  }
  if (request.verb === 'watch') return { watch: kind };
  return serveResource(kind, request, store);
}

function reasonOf(status: number): ApiReason {
  return (Object.keys(apiReasons) as ApiReason[]).find((reason) => apiReasons[reason] === status) ?? 'InternalError';
}

function faultReply({ status, reason, message, retryAfterSeconds }: Extract<FaultAction, { type: 'error' }>): Reply {
  const error = new FakeApiError(reason ?? reasonOf(status), message ?? 'injected by a fault', { retryAfterSeconds });
  return { ...errorReply(error), ...jsonReply({ ...error.status, code: status }, status) };
}

/** The effect of faults before a request is handled: `drop`, an answer instead, or none. */
async function faultsBefore(
  actions: readonly FaultAction[],
  request: ApiRequest,
  { clock, closing }: Parts,
): Promise<'drop' | Reply | undefined> {
  for (const action of actions) {
    if (action.type === 'latency') await clock.sleep(action.ms, closing);
    if (action.type === 'hook') await action.hook(request, 'before');
    if (action.type === 'dropBefore') return 'drop';
    if (action.type === 'error') return faultReply(action);
  }
  return undefined;
}

function replyTo(error: unknown): Reply {
  if (error instanceof FakeApiError) return errorReply(error);
  const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return errorReply(new FakeApiError('InternalError', `the fake API failed: ${trace}`));
}

function outcomeOf(request: ApiRequest, parts: Parts): Outcome {
  try {
    return route(request, parts);
  } catch (error) {
    return replyTo(error);
  }
}

function answer(outcome: Outcome, request: ApiRequest, response: ServerResponse, parts: Parts): number {
  if (!('watch' in outcome)) {
    sendReply(response, outcome);
    return outcome.status;
  }
  try {
    serveWatch(outcome.watch, request, response, parts);
    return 200;
  } catch (error) {
    const reply = replyTo(error);
    sendReply(response, reply);
    return reply.status;
  }
}

async function serve(message: IncomingMessage, response: ServerResponse, parts: Parts): Promise<void> {
  const { clock, faults, audit, store } = parts;
  const request = await readRequest(message);
  const entry = audit.begin(request, clock.now());
  const actions = faults.draw(request);
  const instead = await faultsBefore(actions, request, parts);
  if (instead === 'drop') {
    audit.end(entry, 0, store.resourceVersion);
    message.socket.resetAndDestroy();
    return;
  }
  const outcome = instead ?? outcomeOf(request, parts);
  const version = store.resourceVersion;
  for (const action of actions) if (action.type === 'hook') await action.hook(request, 'after');
  if (actions.some(({ type }) => type === 'dropAfter')) {
    audit.end(entry, 'watch' in outcome ? 200 : outcome.status, version);
    message.socket.resetAndDestroy();
    return;
  }
  audit.end(entry, answer(outcome, request, response, parts), version);
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function newServer(parts: Parts): Server {
  return createServer({ requestTimeout: 0, keepAliveTimeout: 60_000 }, (message, response) => {
    // Every failure here becomes an answer, unless the client has gone.
    serve(message, response, parts).catch((error: unknown) => {
      if (!response.headersSent && !response.destroyed) sendReply(response, replyTo(error));
    });
  });
}

/**
 * Starts a Kubernetes API in this process, over real HTTP and in memory. Close it, or the process stays.
 *
 * @throws the listener's error, for example EADDRINUSE.
 */
export async function startFakeApi(options: FakeApiOptions = {}): Promise<FakeApi> {
  const { host = '127.0.0.1', clock = systemClock, allocateClusterIp = countingClusterIps() } = options;
  const { historyWindow = 20_000, bookmarkIntervalMs = 1000, progressNotify = true } = options;
  const random = seededRandom(options.seed ?? 1);
  const kinds = [...builtInKinds, ...(options.kinds ?? [])];
  const store = new Store({ clock, kinds, random, allocateClusterIp, historyWindow });
  const faults = createFaults(random);
  const audit = createAudit(options.auditSize ?? 20_000);
  const metrics = createMetrics(clock);
  const closing = new AbortController();
  let address = '';
  const parts: Parts = {
    ...{ clock, store, faults, audit, metrics, bookmarkIntervalMs, progressNotify },
    authorize: options.authorize,
    reviewToken: options.reviewToken ?? ((token) => ({ username: token })),
    host: () => address,
    closing: closing.signal,
  };
  let server = newServer(parts);
  const port = await listen(server, host, options.port ?? 0);
  address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  const url = `http://${address}`;
  return {
    url,
    kubeconfig: (user = 'admin') => kubeconfigText(url, user),
    store,
    faults,
    audit,
    metrics,
    async restart({ downMs = 0, signal } = {}) {
      await stop(server);
      store.compact();
      if (downMs > 0) await clock.sleep(downMs, signal);
      if (closing.signal.aborted) return;
      server = newServer(parts);
      await listen(server, host, port);
    },
    close() {
      closing.abort(new Error('the fake API was closed'));
      return stop(server);
    },
  };
}
