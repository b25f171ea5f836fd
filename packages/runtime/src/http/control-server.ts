import { type Clock, type Logger, systemClock } from '@scaler/scaler-types';
import type { Metrics } from '../metrics/metrics.ts';
import { problem } from './problem.ts';
import { type InfraRoute, type InfraServer, problemReply, served, startRouteServer } from './route-server.ts';
import type { TokenFile } from './token-file.ts';

export interface ControlServerOptions {
  host: string;
  /** 0: a free one. */
  port: number;
  /** The tokens that are accepted, as `Authorization: Bearer …`. */
  tokens: TokenFile;
  routes: readonly InfraRoute[];
  /** Counts the requests that are refused. */
  metrics: Metrics;
  logger: Logger;
  clock?: Clock;
}

const tokenNeeded = 'A bearer token is needed';

/**
 * Starts the server for the other app: the routes, and nothing else. A request without the token is answered 401 before
 * its body is read, and its connection ends. A request with the token is never refused, at whatever rate.
 *
 * @throws RuntimeError `listen-failed`.
 */
export function startControlServer(options: ControlServerOptions): Promise<InfraServer> {
  const { host, port, tokens, routes, metrics, logger, clock = systemClock } = options;
  const refused = metrics
    .counter({ name: 'control_refused_total', help: 'Requests on the control port without the token.' })
    .bind({});
  return startRouteServer({
    name: 'control',
    ...{ host, port, logger, clock },
    routes: routes.map(served),
    refuse: async (request) => {
      if (await tokens.accepts(request.headers.authorization)) return undefined;
      refused.inc();
      const detail = 'the token is missing or wrong: give both apps the same --control-token-file';
      const headers = { 'www-authenticate': 'Bearer', connection: 'close' };
      return problemReply('unauthorized', 401, tokenNeeded, detail, headers);
    },
  });
}

/** The same paths on a port without authentication: they answer 401, and name the control port. */
export function movedRoutes(routes: readonly InfraRoute[]): InfraRoute[] {
  const detail = 'send this request to the control port, with the token';
  const reply = { status: 401, body: problem('unauthorized', 401, tokenNeeded, detail) };
  return routes.map(({ method, path }) => ({ method, path, handle: () => reply }));
}
