import type { AuditEntry } from '@scaler/testing-kit/kubernetes';
import { workloadGvrs } from '../world/fleet.ts';
import type { Report, Scene } from './scene.ts';
import type { Change } from './workload-log.ts';

/** A process that stood still may send the writes that it had begun in the moment in which it goes on. */
const thawMs = 1_000;
const leases = 'coordination.k8s.io/v1/leases';
const acting: ReadonlySet<string> = new Set([...workloadGvrs, 'v1/services', 'discovery.k8s.io/v1/endpointslices']);

interface Reign {
  readonly holder: string;
  readonly fromMs: number;
}

/** Only the Lease holder acts. */
export function createLeaders({ store, timeline, programs, counts }: Scene, report: Report, onChange: () => void) {
  const reigns: Reign[] = [];
  const end = store.watch(leases, ({ object }) => {
    const holder = (object as { spec?: { holderIdentity?: string } }).spec?.holderIdentity ?? '';
    if (reigns.at(-1)?.holder === holder) return;
    reigns.push({ holder, fromMs: timeline.ms });
    if (holder !== '') counts.add('leaders');
    onChange();
  });
  return {
    /** The replica that holds the Lease; `''`: none. */
    get holder() {
      return reigns.at(-1)?.holder ?? '';
    },
    get changes() {
      return reigns.length;
    },
    /** `change`: the change that the write made, where it was to a workload. */
    wrote: (entry: AuditEntry, change: Change | undefined): void => {
      const { user, gvr, at, verb, name } = entry;
      if (!user.startsWith('autoscaler') || !acting.has(gvr) || isLease(change)) return;
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
        `${user} sent ${verb} ${gvr} ${name} at ${Math.round(atMs)} ms, while ${holder || 'no replica'} had the Lease`,
      );
    },
    close: end,
  };
}

/** Any replica may write a busy lease. */
function isLease(change: Change | undefined): boolean {
  const { before, after } = change ?? {};
  if (before === undefined || after === undefined) return false;
  const same = before.phase === after.phase && before.epoch === after.epoch && before.replicas === after.replicas;
  return same && before.intent.busyUntilMs !== after.intent.busyUntilMs;
}
