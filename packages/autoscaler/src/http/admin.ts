import { type AdminApp, sendProblem } from '@scaler/runtime';
import { type Resource, type ResourceRef, resourceKey } from '@scaler/scaler-types';
import type { ResourceView } from '../observe/resource-view.ts';
import type { Ring, RingEntry } from '../observe/history.ts';

export interface AdminParts {
  view: Pick<ResourceView, 'list' | 'get'>;
  ring: Ring;
  /** Whether this replica acts; only then does it decide. */
  leads: () => boolean;
  /** Whether no resource is parked. */
  dryRun: boolean;
}

/** `GET /resources` and `GET /resources/:namespace/:name/decisions`. */
export function adminRoutes({ view, ring, leads, dryRun }: AdminParts): (app: AdminApp) => void {
  /** One resource in the answer of `GET /resources`. */
  const summary = (resource: Resource) => ({
    namespace: resource.namespace,
    name: resource.name,
    /** `null`: unknown. */
    phase: resource.phase ?? null,
    replicas: resource.replicas ?? null,
    pause: resource.pause ?? null,
    busyUntil: resource.busyUntil ?? null,
    dryRun: dryRun || resource.dryRun === true,
    /** The last decision, or end of a park; `null`: this replica has made none. */
    last: ring.of(resource)[0] ?? null,
  });
  return (app) => {
    app.get('/resources', () => ({ leads: leads(), resources: view.list().map(summary) }));
    app.get<{ Params: ResourceRef }>('/resources/:namespace/:name/decisions', (request, reply) => {
      const { namespace, name } = request.params;
      const resource = view.get({ namespace, name });
      if (!resource) {
        const detail = `${resourceKey({ namespace, name })} is not managed`;
        return sendProblem(reply, 'unknown-resource', 404, 'No such resource', detail);
      }
      const decisions = ring.of(resource);
      return { ...summary(resource), leads: leads(), explanation: explain(resource, decisions, leads()), decisions };
    });
  };
}

/** The state of the resource and its reason, in one sentence for people. */
export function explain(resource: Resource, decisions: readonly RingEntry[], leads: boolean): string {
  const who = `${resourceKey(resource)} is ${resource.phase ?? 'in an unknown phase'}`;
  const [last] = decisions;
  if (!last) return `${who}; ${leads ? 'nothing was decided about it yet' : 'another replica decides about it'}.`;
  const since = last.times > 1 ? ` (${last.times} ticks in a row since ${last.firstAt})` : ` (at ${last.lastAt})`;
  return `${who}; ${verbs[last.what]}: ${last.reasons.join('; ')}${since}.`;
}

const verbs: Readonly<Record<RingEntry['what'], string>> = {
  stay: 'it is left as it is',
  park: 'it is being parked',
  'would-park': 'it would be parked, but for the dry run',
  parked: 'it was parked',
  cancelled: 'its park was cancelled',
  refused: 'its park was refused',
  failed: 'its park failed',
  aborted: 'its park was aborted',
};
