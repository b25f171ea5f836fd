import type { Route } from '@scaler/scaler-types';

/** A route that leads to a Service of its namespace. */
export interface ServiceRoute extends Route {
  readonly service: string;
  /** Number or name; undefined: any. */
  readonly port: number | string | undefined;
  /** RFC 3339; since when what declares it is there. */
  readonly since?: string;
}

/** So many routes of one resource are told: each is entered for its host, and anybody who writes one may write thousands. */
export const mostRoutes = 2_000;
