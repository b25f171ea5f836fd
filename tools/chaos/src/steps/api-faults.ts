import type { Fault, FaultAction, Verb } from '@scaler/testing-kit/kubernetes';
import type { World } from '../world/world.ts';
import type { ApiFault, Apps, Step } from './step.ts';

const writes: readonly Verb[] = ['create', 'update', 'patch', 'delete'];
const all: readonly Verb[] = [...writes, 'get', 'list', 'watch'];

/** The app that a request is from, by the user agent of its client. */
export function agentOf(app: Apps): string {
  return app === 'both' ? 'scaler-' : `scaler-${app}`;
}

/** Faults in force; each ends by itself, or with `endAll`. */
export type Faults = ReturnType<typeof createFaults>;

export function createFaults(world: World) {
  const ends = new Set<() => void>();
  return {
    add: (what: string, fault: Fault, forMs: number): void => {
      const { cluster, timeline, counts } = world;
      const handle = cluster.api.faults.add(fault);
      const calm = world.disturb();
      const cancel = timeline.clock.after(forMs, () => end());
      const end = (): void => {
        if (!ends.delete(end)) return;
        counts.add(what, handle.hits);
        handle.remove();
        cancel();
        calm();
      };
      ends.add(end);
    },
    endAll: (): void => {
      for (const end of [...ends]) end();
    },
  };
}

export function addApiFault(world: World, faults: Faults, step: Step & { do: 'api-fault' }): void {
  const { fault, app, share, forMs, kind } = step;
  const verb = step.writes ? writes : all;
  const actions = actionsOf(world, fault);
  // Nothing of this kind is done in time: the hardest of it.
  if (fault === 'late' && share === 1) world.counts.add('every write late');
  const which = { verb, userAgent: agentOf(app), ...(kind !== undefined && { resource: kind }) };
  faults.add(`fault ${fault}`, { ...which, probability: share, action: actions }, forMs);
}

function actionsOf(world: World, fault: ApiFault): FaultAction {
  const { timeline, random } = world;
  switch (fault) {
    case 'error':
      return { type: 'error', status: 503 };
    case 'conflict':
      return { type: 'error', status: 409 };
    case 'busy':
      return { type: 'error', status: 429, retryAfterSeconds: 1 };
    case 'drop':
      return { type: 'dropBefore' };
    case 'lost':
      return { type: 'dropAfter' };
    case 'latency':
      return {
        type: 'hook',
        hook: async (_, phase) => void (phase === 'before' && (await timeline.clock.sleep(random.between(50, 6_000)))),
      };
    case 'late':
      return {
        type: 'hook',
        hook: async ({ resource }, phase) => {
          // A Lease that is renewed late is another fault: its client did nothing wrong.
          if (phase === 'after' || resource === 'leases') return;
          const calm = world.disturb();
          await timeline.clock.sleep(random.between(11_000, 40_000));
          calm();
        },
      };
  }
}
