import type { InfraReply, InfraRoute } from '@scaler/runtime';
import type { ResourceRef } from '@scaler/scaler-types';
import type { Dlx } from './dlx.ts';
import { preflight } from './preflight.ts';

/** What the autoscaler asks each DLX: who is active, whether nothing is under way, whether a sleeper could be served. */
export function peerRoutes(dlx: Dlx): InfraRoute[] {
  const { identity: replica, clock } = dlx.core;
  const startedAt = clock.now();
  return [
    {
      method: 'GET',
      path: '/activity',
      handle: () => ({
        body: { replica, startedAt, now: clock.now(), draining: dlx.core.draining, resources: activity(dlx) },
      }),
    },
    {
      method: 'POST',
      path: '/fence',
      handle: ({ body }) => {
        const resource = resourceIn(body);
        const { epoch } = (body ?? {}) as { epoch?: unknown };
        if (resource === undefined || typeof epoch !== 'string') return wrong('{resource: {namespace, name}, epoch}');
        const gate = dlx.resources.gate(resource);
        // Not clear, for a DLX that has not heard of it yet would not know to wake it either.
        const unknown = { clear: false, held: 0, inFlight: 0, reason: 'this DLX does not know the resource' };
        return { body: { replica, epoch, ...(gate?.raiseFence(epoch) ?? unknown) } };
      },
    },
    {
      method: 'POST',
      path: '/preflight',
      handle: async ({ body, signal }) => {
        const resource = resourceIn(body);
        if (resource === undefined) return wrong('{resource: {namespace, name}}');
        const reasons = await preflight(dlx, resource, signal);
        return { body: { replica, ok: reasons.length === 0, reasons } };
      },
    },
  ];
}

function activity({ core, resources }: Dlx): Record<string, object> {
  const nowMs = core.clock.monotonic();
  const age = (atMs: number | undefined) => (atMs === undefined ? undefined : Math.max(0, Math.round(nowMs - atMs)));
  const active: Record<string, object> = {};
  for (const [key, gate] of resources.gates) {
    const { held, inFlight, openStreams, arrivals, lastArrivalMs, lastEndMs } = gate;
    if (arrivals + held + inFlight === 0) continue;
    const ages = { lastArrivalAgeMs: age(lastArrivalMs), lastEndAgeMs: age(lastEndMs) };
    active[key] = { held, inFlight, openStreams, arrivals, ...ages };
  }
  return active;
}

function resourceIn(body: unknown): ResourceRef | undefined {
  const { resource } = (body ?? {}) as { resource?: unknown };
  const { namespace, name } = (resource ?? {}) as { namespace?: unknown; name?: unknown };
  return typeof namespace === 'string' && typeof name === 'string' ? { namespace, name } : undefined;
}

function wrong(wanted: string): InfraReply {
  return { status: 400, body: { code: 'bad-request', detail: `wanted is ${wanted}` } };
}
