import type { AdminApp } from '@scaler/runtime';
import {
  type Clock,
  errorCode,
  formatDuration,
  parseDuration,
  type ResourceRef,
  resourceKey,
  type ResourceScaler,
} from '@scaler/scaler-types';
import type { ResourceView } from '../observe/resource-view.ts';

export interface BusyParts {
  scaler: Pick<ResourceScaler, 'setBusy'>;
  view: Pick<ResourceView, 'get'>;
  clock: Clock;
  /** Milliseconds; the longest lease that is given. */
  limitMs: number;
}

type Params = { Params: ResourceRef; Querystring: { ttl?: string | string[] } };

/** Milliseconds for a write to the cluster; after that the answer is an error, whether or not the write was made. */
const timeoutMs = 10_000;

/**
 * `PUT`, `GET` and `DELETE` of `/busy/:namespace/:name`, from any replica: the lease is kept by the scaler. A `PUT` never
 * shortens a longer lease.
 */
export function busyRoutes({ scaler, view, clock, limitMs }: BusyParts): (app: AdminApp) => void {
  const write = async ({ namespace, name }: ResourceRef, until: string | undefined): Promise<object> => {
    const { setBusy } = scaler;
    if (!setBusy) throw refused('not-supported', 501, 'this resource scaler keeps no busy leases');
    const ref = { namespace, name };
    try {
      const busyUntil = await setBusy.call(scaler, ref, until, { signal: AbortSignal.timeout(timeoutMs) });
      return { ...ref, busyUntil: busyUntil ?? null };
    } catch (error) {
      if (errorCode(error) === 'unknown-resource') throw unknownResource(ref);
      throw error;
    }
  };
  const managed = ({ namespace, name }: ResourceRef) => {
    const resource = view.get({ namespace, name });
    if (!resource) throw unknownResource({ namespace, name });
    return resource;
  };
  return (app) => {
    app.get<Params>('/busy/:namespace/:name', ({ params }) => {
      const { namespace, name, busyUntil = null } = managed(params);
      return { namespace, name, busyUntil, busy: busyUntil !== null && Date.parse(busyUntil) > clock.now() };
    });
    app.put<Params>('/busy/:namespace/:name', ({ params, query }) => {
      const ttlMs = ttlOf(query.ttl, limitMs);
      managed(params);
      return write(params, new Date(clock.now() + ttlMs).toISOString());
    });
    app.delete<Params>('/busy/:namespace/:name', ({ params }) => {
      managed(params);
      return write(params, undefined);
    });
  };
}

/** The admin server answers with its code and status. */
function refused(code: string, statusCode: number, detail: string): Error {
  return Object.assign(new Error(detail), { code, statusCode });
}

function unknownResource(ref: ResourceRef): Error {
  return refused('unknown-resource', 404, `${resourceKey(ref)} is not managed`);
}

function ttlOf(text: unknown, limitMs: number): number {
  const allowed = `allowed is one duration such as 10m, more than 0 and at most ${formatDuration(limitMs)}`;
  const ms = typeof text === 'string' ? durationOf(text) : NaN;
  if (ms > 0 && ms <= limitMs) return ms;
  const shown = text === undefined ? 'missing' : `"${String(text)}"`;
  throw refused('invalid-ttl', 400, `ttl is ${shown}, ${allowed}`);
}

function durationOf(text: string): number {
  try {
    return parseDuration(text);
  } catch {
    return NaN;
  }
}
