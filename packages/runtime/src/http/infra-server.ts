import { type Clock, type Logger, systemClock } from '@scaler/scaler-types';
import type { Metrics } from '../metrics/metrics.ts';
import type { Checks } from './checks.ts';
import { createMetricsText } from './metrics-text.ts';
import { type PeerRate, PeerRates } from './peer-rates.ts';
import {
  type InfraRoute,
  type InfraServer,
  jsonReply,
  problemReply,
  served,
  type ServedRoute,
  startRouteServer,
} from './route-server.ts';

export interface InfraServerOptions {
  host: string;
  /** 0: a free one. */
  port: number;
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
  const { host, port, readiness, metrics, routes = [], rate = usualRate, logger, clock = systemClock } = options;
  const get = (path: string, reply: ServedRoute['reply']): ServedRoute => ({ method: 'GET', path, reply });
  const limited = rateLimit(rate, metrics, clock);
  const text = createMetricsText(metrics, clock);
  return startRouteServer({
    ...{ name: 'infrastructure', host, port, logger, clock },
    routes: [
      // Healthy as long as the server answers.
      get('/healthz', () => jsonReply(200, { ok: true, checks: [] })),
      get('/readyz', () => jsonReply(readiness.ok ? 200 : 503, { ok: readiness.ok, checks: readiness.list() })),
      get('/metrics', async () => ({ status: 200, contentType: metrics.contentType, text: await text() })),
      ...routes.map(served).map((route) => ({ ...route, reply: limited(route.reply) })),
    ],
  });
}

/** Answers 429 to an address that asks too often. */
function rateLimit(
  rate: PeerRate,
  metrics: Metrics,
  clock: Clock,
): (reply: ServedRoute['reply']) => ServedRoute['reply'] {
  const rates = new PeerRates(rate, clock);
  const help = 'Requests on the infrastructure port from an address that asked too often.';
  const refused = metrics.counter({ name: 'infra_refused_total', help }).bind({});
  return (reply) => (request, response) => {
    const address = request.socket.remoteAddress ?? '';
    if (rates.take(address)) return reply(request, response);
    refused.inc();
    const detail = `${address} asks more than ${rate.perSecond} times a second`;
    return problemReply('too-often', 429, 'This address asks too often', detail, { 'retry-after': '1' });
  };
}
