import type { IncomingMessage } from 'node:http';
import { type Clock, type Logger, systemClock } from '@scaler/scaler-types';
import type { Metrics } from '../metrics/metrics.ts';
import type { Checks } from './checks.ts';
import { createMetricsText } from './metrics-text.ts';
import { type PeerRate, PeerRates } from './peer-rates.ts';
import { problem } from './problem.ts';
import {
  type InfraRoute,
  type InfraServer,
  jsonReply,
  problemReply,
  type Reply,
  served,
  type ServedRoute,
  startRouteServer,
} from './route-server.ts';

export { type InfraReply, type InfraRequest, type InfraRoute, type InfraServer } from './route-server.ts';

export interface InfraServerOptions {
  host: string;
  /** 0: a free one. */
  port: number;
  /** The checks of `/healthz`. Default: healthy as long as the server answers. */
  health?: Checks;
  /** The checks of `/readyz`. */
  readiness: Checks;
  /** The metrics of `/metrics`. */
  metrics: Metrics;
  routes?: readonly InfraRoute[];
  /** How often each address may ask the routes; beyond it a 429. Default: 500 a second, 2,000 at once. */
  rate?: PeerRate;
  logger: Logger;
  clock?: Clock;
}

const usualRate: PeerRate = { perSecond: 500, burst: 2_000 };

/**
 * Starts the server for kubelet, Prometheus and other processes of scaler: `/healthz`, `/readyz`, `/metrics` and the
 * routes. It has no authentication: nothing that changes what a user sees belongs here. Health and metrics are never
 * refused: kubelet would end the process.
 *
 * @throws RuntimeError `listen-failed`.
 */
export function startInfraServer(options: InfraServerOptions): Promise<InfraServer> {
  const { host, port, logger, clock = systemClock } = options;
  return startRouteServer({ name: 'infrastructure', host, port, routes: allRoutes(options, clock), logger, clock });
}

function allRoutes(options: InfraServerOptions, clock: Clock): ServedRoute[] {
  const { health, readiness, metrics, routes = [], rate = usualRate } = options;
  const get = (path: string, reply: ServedRoute['reply']): ServedRoute => ({ method: 'GET', path, reply });
  const refused = metrics
    .counter({
      name: 'infra_refused_total',
      help: 'Requests on the infrastructure port from an address that asked too often.',
    })
    .bind({});
  const limit: Limit = { rates: new PeerRates(rate, clock), rate, refused: () => refused.inc() };
  const text = createMetricsText(metrics, clock);
  return [
    get('/healthz', () => checksReply(health)),
    get('/readyz', () => checksReply(readiness)),
    get('/metrics', async () => ({ status: 200, contentType: metrics.contentType, text: await text() })),
    ...routes.map(served).map((route) => ({ ...route, reply: limited(route, limit) })),
  ];
}

interface Limit {
  readonly rates: PeerRates;
  readonly rate: PeerRate;
  readonly refused: () => void;
}

function limited({ reply }: ServedRoute, { rates, rate, refused }: Limit): ServedRoute['reply'] {
  return (request, response) => {
    const address = addressOf(request);
    if (rates.take(address)) return reply(request, response);
    refused();
    return tooOften(address, rate.perSecond);
  };
}

function addressOf({ socket }: IncomingMessage): string {
  return socket.remoteAddress ?? '';
}

function tooOften(address: string, perSecond: number): Reply {
  const detail = `${address} asks more than ${perSecond} times a second`;
  return problemReply(problem('too-often', 429, 'This address asks too often', detail), { 'retry-after': '1' });
}

function checksReply(checks: Checks | undefined): Reply {
  return jsonReply(!checks || checks.ok ? 200 : 503, { ok: checks?.ok ?? true, checks: checks?.list() ?? [] });
}
