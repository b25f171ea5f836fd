import type { AuditEntry } from '@scaler/testing-kit';
import type { Report, Scene } from './scene.ts';

/** Only the Lease holder acts. */
export interface Leaders {
  /** Who holds the Lease; `''`: nobody. */
  readonly holder: string;
  readonly changes: number;
  wrote(entry: AuditEntry): void;
  close(): void;
}

/** What a process that stood still had in its hands already may still go out in the moment in which it goes on. */
const thawMs = 1_000;
const leases = 'coordination.k8s.io/v1/leases';
const acting: ReadonlySet<string> = new Set([
  'apps/v1/deployments',
  'v1/services',
  'discovery.k8s.io/v1/endpointslices',
]);

interface Reign {
  readonly holder: string;
  readonly fromMs: number;
}

export function createLeaders(
  { store, timeline, programs, counts }: Scene,
  report: Report,
  onChange: () => void,
): Leaders {
  const reigns: Reign[] = [];
  const end = store.watch(leases, ({ object }) => {
    const holder = (object as { spec?: { holderIdentity?: string } }).spec?.holderIdentity ?? '';
    if (reigns.at(-1)?.holder === holder) return;
    reigns.push({ holder, fromMs: timeline.ms });
    if (holder !== '') counts.add('leaders');
    onChange();
  });
  return {
    get holder() {
      return reigns.at(-1)?.holder ?? '';
    },
    get changes() {
      return reigns.length;
    },
    wrote: (entry) => {
      const { user, gvr, at, verb, name } = entry;
      if (!user.startsWith('autoscaler') || !acting.has(gvr)) return;
      const atMs = at - timeline.clock.now() + timeline.ms + 1;
      const holder = reigns.findLast(({ fromMs }) => fromMs <= atMs)?.holder ?? '';
      if (holder === user) return;
      const thawed = programs.find(({ id }) => id === user)?.thawedMs ?? -Infinity;
      if (atMs - thawed < thawMs) {
        counts.add('writes in the moment of a thaw');
        return;
      }
      report(
        'one leader acts',
        `${user} sent ${verb} ${gvr} ${name} at ${Math.round(atMs)} ms, while ${holder || 'nobody'} had the Lease`,
      );
    },
    close: end,
  };
}
