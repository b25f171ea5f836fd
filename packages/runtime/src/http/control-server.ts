import { type Clock, type Logger, systemClock } from '@scaler/scaler-types';
import type { Metrics } from '../metrics/metrics.ts';
import { problem } from './problem.ts';
import { type InfraRoute, type InfraServer, problemReply, served, startRouteServer } from './route-server.ts';
import type { TokenFile } from './token-file.ts';

export interface ControlServerOptions {
  host: string;
  /** 0: a free one. */
  port: number;
  /** What each question has to carry, as `Authorization: Bearer …`. */
  tokens: TokenFile;
  routes: readonly InfraRoute[];
  /** Counts what is refused. */
  metrics: Metrics;
  logger: Logger;
  clock?: Clock;
}

/**
 * Starts the server for the other app: the routes, and nothing else. A question without the token is answered 401 before
 * its body is read, and its connection ends. One with it is never refused, however many there are.
 *
 * @throws RuntimeError `listen-failed`.
 */
export function startControlServer(options: ControlServerOptions): Promise<InfraServer> {
  const { host, port, tokens, routes, metrics, logger, clock = systemClock } = options;
  const refused = metrics
    .counter({
      name: 'control_refused_total',
      help: 'Questions on the control port without the token.',
    })
    .bind({});
  return startRouteServer({
    name: 'control',
    ...{ host, port, logger, clock },
    routes: routes.map(served),
    refuse: async ({ headers }) => {
      if (await tokens.accepts(headers.authorization)) return undefined;
      refused.inc();
      return unauthorized();
    },
  });
}

/** The same paths where no token is asked for: who does not know the control port is told of it. */
export function movedRoutes(routes: readonly InfraRoute[]): InfraRoute[] {
  const reply = {
    status: 401,
    body: problem('unauthorized', 401, 'A bearer token is needed', 'this is asked on the control port, with the token'),
  };
  return routes.map(({ method, path }) => ({ method, path, handle: () => reply }));
}

function unauthorized() {
  const detail = 'the token is missing or wrong: both apps need the same --control-token-file';
  return problemReply(problem('unauthorized', 401, 'A bearer token is needed', detail), {
    'www-authenticate': 'Bearer',
    connection: 'close',
  });
}
